/* The kernel's TUN/TAP interface (linux/if_tun.h) and interface requests (linux/sockios.h), as on x64 and arm64. */

/** Where TAP interfaces are made. */
export const TUN_DEVICE = "/dev/net/tun";

export const TUNSETIFF = 0x400454ca;
export const TUNSETPERSIST = 0x400454cb;
export const TUNSETOFFLOAD = 0x400454d0;
export const TUNGETIFF = 0x800454d2;
export const TUNSETSNDBUF = 0x400454d4;
export const TUNGETVNETHDRSZ = 0x800454d7;
export const TUNSETVNETHDRSZ = 0x400454d8;
/** Attaches a queue that is open, or detaches it and keeps it open. */
export const TUNSETQUEUE = 0x400454d9;
export const TUNSETVNETLE = 0x400454dc;
/** Answers a descriptor of the network namespace that the interface is in. */
export const TUNGETDEVNETNS = 0x54e3;

export const IFF_TAP = 0x0002;
export const IFF_MULTI_QUEUE = 0x0100;
export const IFF_ATTACH_QUEUE = 0x0200;
export const IFF_DETACH_QUEUE = 0x0400;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;

/** What we can take from the kernel unfinished: bits of `TUNSETOFFLOAD`. */
export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;
export const TUN_F_TSO_ECN = 0x08;
export const TUN_F_UFO = 0x10;
export const TUN_F_USO4 = 0x20;
export const TUN_F_USO6 = 0x40;

export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const SIOCGIFMTU = 0x8921;
export const SIOCSIFMTU = 0x8922;
export const SIOCSIFHWADDR = 0x8924;
export const SIOCGIFHWADDR = 0x8927;
export const SIOCGIFINDEX = 0x8933;
export const SIOCBRADDIF = 0x89a2;

/** The interface is up. */
export const IFF_UP = 1;
/** Ethernet, in the family of a hardware address. */
export const ARPHRD_ETHER = 1;

/** An interface's name with its zero. */
export const IFNAMSIZ = 16;
/** `struct ifreq`: a name, then a union of 24 bytes. */
export const IFREQ_BYTES = 40;
