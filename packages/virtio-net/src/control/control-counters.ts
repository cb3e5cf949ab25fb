/** Commands of the control queue. */
export class ControlCounters {
  /** Carried out. */
  done = 0;
  /** Answered with VIRTIO_NET_ERR: unknown, not negotiated, of the wrong length, or with values that make no sense. */
  refused = 0;
  /** Given back unread, as there was no room for the answer. */
  malformed = 0;
}
