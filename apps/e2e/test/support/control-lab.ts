import { Hub } from "@vmmkit/backend-loopback";
import { ensureEthtool } from "@vmmkit/linux-guest";
import { CardGuest } from "./card-guest.ts";
import { HostCard } from "./host/host-card.ts";
import { configure, type ServedFile, serveFile } from "./traffic.ts";

/** Two guests with Debian's ethtool and the host, on one hub. */
export interface ControlLab {
  /** 10.0.0.1: a modern card with packed virtqueues and four queue pairs, which reports hashes. */
  readonly alice: CardGuest;
  /** 10.0.0.2: a legacy card with two queue pairs. */
  readonly bob: CardGuest;
  /** Sends any frame. */
  readonly host: HostCard;
  /** All frames that the host got. */
  readonly heard: Uint8Array[];
  /** About 2 MB each. */
  readonly files: Readonly<Record<GuestName, ServedFile>>;
}

/** The guests of the lab. */
export type GuestName = "alice" | "bob";

/** Addresses of the guests. */
export const ADDRESS: Readonly<Record<GuestName, string>> = { alice: "10.0.0.1", bob: "10.0.0.2" };

/** Boots the guests, both at once. */
export async function bootControlLab(): Promise<ControlLab> {
  const overlays = [await ensureEthtool()];
  const hub = new Hub();
  const speed = { mbps: 10_000, duplex: "full" } as const;
  const modern = { transport: "modern", packed: true, queuePairs: 4, speed, with: ["HASH_REPORT"] } as const;
  const [alice, bob] = await Promise.all([
    CardGuest.boot("alice", [{ backend: hub.port(), options: modern }], { overlays }),
    CardGuest.boot("bob", [{ backend: hub.port(), options: { queuePairs: 2 } }], { overlays }),
  ]);
  await configure(alice, "eth0", ADDRESS.alice);
  await configure(bob, "eth0", ADDRESS.bob);
  const heard: Uint8Array[] = [];
  const host = new HostCard(hub.port(), (frame) => heard.push(frame));
  return { alice, bob, host, heard, files: { alice: await serveFile(alice, 1), bob: await serveFile(bob, 1) } };
}

/** Ends the guests. */
export async function closeControlLab({ alice, bob }: ControlLab): Promise<void> {
  await Promise.all([alice, bob].map((guest) => guest.destroy()));
}
