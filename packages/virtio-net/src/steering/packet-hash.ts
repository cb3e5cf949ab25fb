import {
  VIRTIO_NET_HASH_REPORT_NONE,
  VIRTIO_NET_HASH_TYPE_IP_EX,
  VIRTIO_NET_HASH_TYPE_IPv4,
  VIRTIO_NET_HASH_TYPE_IPv6,
  VIRTIO_NET_HASH_TYPE_TCP_EX,
  VIRTIO_NET_HASH_TYPE_TCPv4,
  VIRTIO_NET_HASH_TYPE_TCPv6,
  VIRTIO_NET_HASH_TYPE_UDP_EX,
  VIRTIO_NET_HASH_TYPE_UDPv4,
  VIRTIO_NET_HASH_TYPE_UDPv6,
} from "@vmmkit/virtio";
import { type PacketFields, PROTOCOL_TCP } from "./packet-fields.ts";
import { Toeplitz } from "./toeplitz.ts";

/** All hash types: `supported_hash_types`. */
export const ALL_HASH_TYPES = 0x1ff;

const IPV4_ADDRESS_BYTES = 4;
const IPV6_ADDRESS_BYTES = 16;
const PORTS_BYTES = 4;

/** The hash of a received packet (VIRTIO 1.2, 5.1.6.4.3). */
export class PacketHash {
  /** Of the last packet; 0 where `report` says that there is none. */
  value = 0;
  /** VIRTIO_NET_HASH_REPORT_*: by which type the last packet was hashed. */
  report: number = VIRTIO_NET_HASH_REPORT_NONE;
  readonly #toeplitz = new Toeplitz();
  #types = 0;

  /** Types that are enabled, VIRTIO_NET_HASH_TYPE_*; 0 where nothing is hashed. */
  get types(): number {
    return this.#types;
  }

  /** Says how packets are hashed. @param key up to 40 bytes */
  configure(types: number, key: Uint8Array): void {
    this.#types = types;
    if (types !== 0) this.#toeplitz.setKey(key);
  }

  /** Hashes a packet: the first type that fits and is enabled. */
  calculate(fields: PacketFields): void {
    const type = this.#choose(fields);
    this.value = 0;
    this.report = type === 0 ? VIRTIO_NET_HASH_REPORT_NONE : 32 - Math.clz32(type);
    if (type !== 0) this.value = fields.version === 4 ? this.#ipv4(fields, type) : this.#ipv6(fields, type);
  }

  #choose(fields: PacketFields): number {
    if (fields.version === 4) {
      return this.#enabled(fields, VIRTIO_NET_HASH_TYPE_TCPv4, VIRTIO_NET_HASH_TYPE_UDPv4, VIRTIO_NET_HASH_TYPE_IPv4);
    }
    if (fields.version !== 6) return 0;
    if (fields.extended) {
      const type = this.#enabled(
        fields,
        VIRTIO_NET_HASH_TYPE_TCP_EX,
        VIRTIO_NET_HASH_TYPE_UDP_EX,
        VIRTIO_NET_HASH_TYPE_IP_EX,
      );
      if (type !== 0) return type;
    }
    return this.#enabled(fields, VIRTIO_NET_HASH_TYPE_TCPv6, VIRTIO_NET_HASH_TYPE_UDPv6, VIRTIO_NET_HASH_TYPE_IPv6);
  }

  #enabled({ portsAt, protocol }: PacketFields, tcp: number, udp: number, ip: number): number {
    if (portsAt >= 0) {
      const type = this.#types & (protocol === PROTOCOL_TCP ? tcp : udp);
      if (type !== 0) return type;
    }
    return this.#types & ip;
  }

  #ipv4({ bytes, addressesAt, portsAt }: PacketFields, type: number): number {
    const hash = this.#toeplitz.update(0, 0, bytes, addressesAt, 2 * IPV4_ADDRESS_BYTES);
    if (type === VIRTIO_NET_HASH_TYPE_IPv4) return hash;
    return this.#toeplitz.update(hash, 2 * IPV4_ADDRESS_BYTES, bytes, portsAt, PORTS_BYTES);
  }

  #ipv6(fields: PacketFields, type: number): number {
    const { bytes, addressesAt, portsAt } = fields;
    const mobile = type >= VIRTIO_NET_HASH_TYPE_IP_EX;
    const source = mobile && fields.homeAddressAt >= 0 ? fields.homeAddressAt : addressesAt;
    const routed = mobile && fields.routingAddressAt >= 0;
    const destination = routed ? fields.routingAddressAt : addressesAt + IPV6_ADDRESS_BYTES;
    let hash = this.#toeplitz.update(0, 0, bytes, source, IPV6_ADDRESS_BYTES);
    hash = this.#toeplitz.update(hash, IPV6_ADDRESS_BYTES, bytes, destination, IPV6_ADDRESS_BYTES);
    if (type === VIRTIO_NET_HASH_TYPE_IPv6 || type === VIRTIO_NET_HASH_TYPE_IP_EX) return hash;
    return this.#toeplitz.update(hash, 2 * IPV6_ADDRESS_BYTES, bytes, portsAt, PORTS_BYTES);
  }
}
