import { Hub, type HubPort } from "@vmmkit/backend-loopback";
import { CardGuest } from "./card-guest.ts";
import { configure, type ServedFile, serveFile } from "./traffic.ts";

/** Three guests and the hubs between them. */
export interface Lab {
  /** MTU 1500: eth0 of all three, 10.0.0.1 to 10.0.0.3. */
  readonly hub: Hub;
  /** MTU 65535: eth1 of alice and bob, 10.1.0.1 and 10.1.0.2. */
  readonly wide: Hub;
  /** MTU 1500: eth2 of bob, 10.2.0.2, and room for others. */
  readonly side: Hub;
  /** Her two cards share an interrupt. */
  readonly alice: CardGuest;
  /** Where eth0 of bob is plugged in. */
  readonly portOfBob: HubPort;
  readonly bob: CardGuest;
  readonly carol: CardGuest;
  /** About 2 MB, from alice and from bob. */
  readonly small: Readonly<Record<"alice" | "bob", ServedFile>>;
  /** About 4 MB. */
  readonly large: Readonly<Record<"alice" | "bob", ServedFile>>;
}

/** A slot whose pin A is wired as that of slot 2, which the first card gets. */
const SHARING_SLOT = { bus: 0, dev: 6, fun: 0 } as const;

/** Boots the guests, all at once, and gives them their addresses. */
export async function bootLab(): Promise<Lab> {
  const hub = new Hub();
  const wide = new Hub({ mtu: 65535 });
  const side = new Hub();
  const portOfBob = hub.port();
  const boots = [
    CardGuest.boot("alice", [{ backend: hub.port() }, { backend: wide.port(), options: { pciAddress: SHARING_SLOT } }]),
    CardGuest.boot("bob", [{ backend: portOfBob }, { backend: wide.port() }, { backend: side.port() }]),
    CardGuest.boot("carol", [{ backend: hub.port() }]),
  ] as const;
  const [alice, bob, carol] = await Promise.all(boots);
  for (const [i, guest] of [alice, bob, carol].entries()) await configure(guest, "eth0", `10.0.0.${i + 1}`);
  for (const [i, guest] of [alice, bob].entries()) await configure(guest, "eth1", `10.1.0.${i + 1}`);
  await configure(bob, "eth2", "10.2.0.2");
  const small = { alice: await serveFile(alice, 1), bob: await serveFile(bob, 1) };
  const large = { alice: await serveFile(alice, 2), bob: await serveFile(bob, 2) };
  return { hub, wide, side, alice, portOfBob, bob, carol, small, large };
}

/** Ends the guests. */
export async function closeLab({ alice, bob, carol }: Lab): Promise<void> {
  await Promise.all([alice, bob, carol].map((guest) => guest.destroy()));
}
