import { posixError } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { errno, libc } from "./libc.ts";

const CLONE_NEWNET = 0x4000_0000;

/**
 * Moves the calling thread into a new network namespace, empty but for a loopback interface that is down. Other
 * threads stay where they are. Sockets and TAP interfaces made from now on, and processes started from this
 * thread, are in the new one. It is gone when nothing uses it any more.
 * @throws PosixError: EPERM without CAP_SYS_ADMIN
 */
export function unshareNetwork(): void {
  if (libc().unshare(CLONE_NEWNET) < 0) throw posixError(errno(), "unshare", undefined, "it takes CAP_SYS_ADMIN");
}

/**
 * Moves the calling thread into a network namespace that there is.
 * @param fd of `/var/run/netns/<name>`, `/proc/<pid>/ns/net` or `/proc/thread-self/ns/net`
 * @throws PosixError: EPERM without CAP_SYS_ADMIN, EINVAL where it is none
 */
export function enterNetwork(fd: Fd): void {
  if (libc().setns(fd.number, CLONE_NEWNET) < 0) throw posixError(errno(), "setns");
}
