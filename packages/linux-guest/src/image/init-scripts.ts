import type { CpioEntry } from "./cpio.ts";

/*
 * What runs in the guest. The first serial port is the console: kernel messages and, on request, a shell. The second
 * one belongs to `CommandChannel`: the agent below reads commands from it and writes their results to it, so that no
 * kernel message ever falls into an answer.
 */

/** Word on the kernel's command line that asks for a shell on the console. */
export const SHELL_WORD = "vmmkit.shell";

/** Prepares the system and becomes busybox's `init`, which reaps processes and keeps the agent alive. */
const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mkdir -p /dev/pts /tmp /run /root
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs run /run
$b --install -s /bin
export PATH=/bin HOME=/root TERM=linux
modprobe -a $(cat /lib/modules/load)
ip link set lo up
echo '::respawn:/lib/vmmkit/agent' >/etc/inittab
case " $(cat /proc/cmdline) " in
  *' ${SHELL_WORD} '*) echo 'ttyS0::respawn:-/bin/sh' >>/etc/inittab ;;
esac
exec init
`;

/**
 * Reads "<id> <number of lines>" and so many lines of shell script, runs each script in a session of its own, and
 * writes for each that ended, one after the other: RS "<id> <status>", its output, RS "<id>". Commands run side by
 * side, and are no children of the shell that reads: one that ends while a line comes in would have busybox forget
 * the part of the line that it has. "kill <id> <signal>" signals one; while it is being started it has no session yet, so that is tried again.
 * What it says first, with the id "ready", is the kernel's release. A process costs an emulated processor a million
 * instructions, so what the shell can do by itself it does.
 */
const AGENT = `#!/bin/sh
exec <>/dev/ttyS1 >&0 2>/dev/null
stty raw -echo
mkdir -p /run/vmmkit
cd /run/vmmkit
rm -f *
mkfifo ended
exec 3<>ended
uname -r >ready.out
echo 'ready 0' >&3

job() {
  setsid sh -c "$2" >"/run/vmmkit/$1.out" 2>&1 </dev/null 3<&- &
  echo $! >"/run/vmmkit/$1.pid"
  wait $!
  echo "$1 $?" >&3
}

stop() {
  n=0
  while [ $n -lt 500 ]; do
    read -r pid <"$1.pid" && { [ "$pid" = ended ] || kill "-$2" "-$pid"; } && return
    usleep 10000
    n=$((n + 1))
  done 2>/dev/null
}

while read -r id code <&3; do
  printf '\\036%s %s\\n' "$id" "$code"
  [ -s "$id.out" ] && cat "$id.out"
  printf '\\036%s\\n' "$id"
  : >"$id.out"
  echo ended >"$id.pid"
done &

cd /root
while read -r id lines signal; do
  if [ "$id" = kill ]; then
    ( ( cd /run/vmmkit; stop "$lines" "$signal" ) & )
    continue
  fi
  script=
  while [ "$lines" -gt 0 ]; do
    IFS= read -r line
    script="$script$line
"
    lines=$((lines - 1))
  done
  ( job "$id" "$script" & )
done
`;

const FOLDERS = ["bin", "dev", "etc", "lib", "lib/modules", "lib/vmmkit", "proc", "root", "run", "sys", "tmp"];

/** Folders, console device and scripts: the whole initramfs but for busybox and the modules. */
export function initEntries(): CpioEntry[] {
  return [
    ...FOLDERS.map((path) => ({ path, mode: 0o40755 })),
    // The kernel opens it before anything could mount /dev.
    { path: "dev/console", mode: 0o20600, device: [5, 1] },
    { path: "sbin", mode: 0o120777, data: Buffer.from("bin") },
    { path: "init", mode: 0o100755, data: Buffer.from(INIT) },
    { path: "lib/vmmkit/agent", mode: 0o100755, data: Buffer.from(AGENT) },
  ];
}
