import { VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_USED } from "../spec.ts";

/** The flags AVAIL and USED where they are in a descriptor's last word, behind the buffer id. */
export const AVAIL: number = VIRTQ_DESC_F_AVAIL << 16;
export const USED: number = VIRTQ_DESC_F_USED << 16;
/** Both: they say whose a descriptor is. */
export const OWNER: number = AVAIL | USED;
/** A wrap counter beside a slot, in event suppression structures and in a base. */
export const WRAP = 0x8000;
