/** Received frames that the guest did not ask for, by cause (VIRTIO 1.2, 5.1.6.5.1 to 5.1.6.5.3). */
export class FilterCounters {
  /** For another station. */
  unicast = 0;
  /** For a multicast group that the guest did not join. */
  multicast = 0;
  /** Broadcasts, which it suppresses. */
  broadcast = 0;
  /** Of a VLAN that it did not join. */
  vlan = 0;
}
