import { qemu } from "./qemu/section.ts";
import { queue } from "./queue/section.ts";
import type { Section } from "./section.ts";
import { allocations } from "./sections/allocations.ts";
import { hub } from "./sections/hub.ts";
import { memory } from "./sections/memory.ts";
import { rings } from "./sections/rings.ts";
import { start } from "./sections/start.ts";
import { v86 } from "./sections/v86.ts";
import { tap } from "./tap/section.ts";
import { tee } from "./tee/tee.ts";
import { vhost } from "./vhost/section.ts";

/** Everything that there is to measure, in the order in which it runs. */
export const SECTIONS: readonly Section[] = [queue, rings, hub, tee, allocations, memory, start, tap, vhost, qemu, v86];
