import { isSince, type Qemu } from "./qemu.ts";

/** What the machine has that QEMU is to use. */
export interface Means {
  readonly kvm: boolean;
  /** Guest memory in huge pages. */
  readonly hugePages: boolean;
}

/** Two commands: a card, and a guest that has it. */
export interface CommandLines {
  readonly nic: string;
  readonly qemu: string;
}

/** Guest memory that the line asks for. */
export const MEMORY_MIB = 1024;
/** Where the card is. */
const SOCKET = "nic.sock";
const MAC = "52:54:00:00:00:01";

/** The commands that fit a QEMU; docs/qemu.md explains them. */
export function commandLines(qemu: Qemu, means: Means): CommandLines {
  const machine = qemu.name.endsWith("aarch64") ? "virt" : "q35";
  const size = `${MEMORY_MIB}M`;
  const lines = [
    `${qemu.name} -m ${size} -machine ${machine},memory-backend=ram${means.kvm ? " -accel kvm -cpu host" : ""}`,
    `-object memory-backend-memfd,id=ram,size=${size},share=on${means.hugePages ? ",hugetlb=on" : ""}`,
    ...(qemu.vfioUser ? vfioUser() : vhostUser(qemu, means.kvm)),
  ];
  const card = qemu.vfioUser ? `--vfio-user ${SOCKET} --mac ${MAC}` : `--vhost-user ${SOCKET}`;
  return { nic: `nic serve ${card}`, qemu: lines.join(" \\\n  ") };
}

function vfioUser(): string[] {
  return [`-device '{"driver": "vfio-user-pci", "socket": {"type": "unix", "path": "${SOCKET}"}}'`];
}

function vhostUser(qemu: Qemu, kvm: boolean): string[] {
  const reconnect = isSince(qemu, 9, 2) ? "reconnect-ms=1000" : "reconnect=1";
  // 7.2 without KVM loses interrupts of a vhost-user card with MSI-X, 11.1 does not. In between it does no harm.
  const vectors = kvm || isSince(qemu, 11, 0) ? "" : ",vectors=0";
  return [
    `-chardev socket,id=nic,path=${SOCKET},${reconnect} -netdev vhost-user,id=nic,chardev=nic`,
    `-device virtio-net-pci,netdev=nic,mac=${MAC},romfile=${vectors}`,
  ];
}
