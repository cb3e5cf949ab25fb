/** Arguments of a QEMU whose memory other processes can map: 128 MiB, as `QemuGuest` has it. */
export function sharedMemory(machine: string): string[] {
  return ["-object", "memory-backend-memfd,id=mem,size=128M,share=on", "-machine", `${machine},memory-backend=mem`];
}
