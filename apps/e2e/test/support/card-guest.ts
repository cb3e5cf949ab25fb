import type { Backend } from "@vmmkit/ethif";
import { ensureGuestImage, type GuestImage, LinuxGuest } from "@vmmkit/linux-guest";
import {
  type AddVirtioNetOptions,
  addVirtioNet,
  attachVmmkit,
  restoreState,
  saveState,
  type V86Machine,
} from "@vmmkit/v86";
import type { VirtioNet } from "@vmmkit/virtio-net";
import type { V86 } from "v86";

/** A card and what carries its frames. */
export interface CardPlan {
  readonly backend: Backend;
  /** The card is a legacy one unless they say otherwise. */
  readonly options?: AddVirtioNetOptions;
}

/** How a guest is booted. */
export interface CardGuestOptions {
  /** What it boots from. Default: Debian's kernel and busybox. */
  readonly image?: GuestImage;
  /** Archives unpacked over its files: more programs. */
  readonly overlays?: readonly string[];
  /** Called with the emulator before it runs. */
  readonly onEmulator?: (emulator: V86) => void;
  /** What `save` of a guest with the same cards answered: it goes on, and does not boot. */
  readonly state?: Uint8Array;
}

/** Boots take seconds on a machine of one's own, and minutes on one that others use. */
const BOOT_TIMEOUT_MS = 900_000;
const COMMAND_TIMEOUT_MS = 300_000;

/** A guest in this thread with cards of ours, whose host side the test may look at. */
export class CardGuest {
  /** Name in messages. */
  readonly name: string;
  readonly guest: LinuxGuest;
  /** In the order of their plans. */
  readonly cards: VirtioNet[] = [];
  readonly #plans: CardPlan[];
  /** What the cards logged: empty for a guest that behaves. */
  readonly complaints: string[] = [];
  #machine: V86Machine | null = null;
  #emulator: V86 | null = null;

  private constructor(name: string, image: GuestImage, plans: readonly CardPlan[], options: CardGuestOptions) {
    this.name = name;
    this.#plans = [...plans];
    this.guest = new LinuxGuest({
      image,
      overlays: options.overlays ?? [],
      bootTimeoutMs: BOOT_TIMEOUT_MS,
      restored: options.state !== undefined,
      attach: async (emulator) => {
        options.onEmulator?.(emulator);
        this.#emulator = emulator;
        const machine = attachVmmkit(emulator);
        this.#machine = machine;
        for (const plan of plans) this.cards.push(this.#makeCard(machine, plan));
        if (options.state !== undefined) await restoreState(emulator, machine, options.state);
        return {
          close: () => {
            for (const card of this.cards) card.close();
            machine.detach();
          },
        };
      },
    });
  }

  /** Starts a guest. `guest.ready()` comes when it takes commands. */
  static async start(name: string, plans: readonly CardPlan[], options: CardGuestOptions = {}): Promise<CardGuest> {
    return new CardGuest(name, options.image ?? (await ensureGuestImage()), plans, options);
  }

  /** Boots a guest and waits until it takes commands. */
  static async boot(name: string, plans: readonly CardPlan[], options: CardGuestOptions = {}): Promise<CardGuest> {
    const guest = await CardGuest.start(name, plans, options);
    try {
      await guest.guest.ready();
    } catch (error) {
      await guest.destroy();
      throw error;
    }
    return guest;
  }

  /** @throws Error where there is no such card */
  card(index: number): VirtioNet {
    const card = this.cards[index];
    if (card === undefined) throw new Error(`${this.name} has no card ${index}`);
    return card;
  }

  /**
   * Runs a shell script.
   * @returns what it wrote, without space at the ends
   * @throws Error with its output where it fails
   */
  async sh(script: string, timeoutMs: number = COMMAND_TIMEOUT_MS): Promise<string> {
    const { code, output } = await this.guest.run(script, { timeoutMs });
    if (code !== 0) throw new Error(`${this.name}: "${script}" ended with ${code}:\n${output}`);
    return output.trim();
  }

  /**
   * Pulls a card out and puts another one into its slot, as a machine with hot-plug does: the guest lets the old
   * one go, and finds the new one when it looks at the bus again.
   */
  async swapCard(index: number, plan: CardPlan): Promise<VirtioNet> {
    if (this.#machine === null) throw new Error(`${this.name} has no machine`);
    const old = this.card(index);
    await this.sh(`echo 1 >${pciFolder(old)}/remove`);
    old.close();
    await this.#plans[index]?.backend.close();
    this.#plans[index] = plan;
    const options = { ...plan.options, pciAddress: old.pciAddress };
    const card = this.#makeCard(this.#machine, { backend: plan.backend, options });
    this.cards[index] = card;
    await this.sh("echo 1 >/sys/bus/pci/rescan");
    return card;
  }

  /** The guest and its cards as they are now, for another process. It goes on here, too. */
  save(): Promise<ArrayBuffer> {
    if (this.#machine === null || this.#emulator === null) throw new Error(`${this.name} has no machine`);
    return saveState(this.#emulator, this.#machine);
  }

  /** Resets the machine from without, at once. `guest.ready()` comes when it has booted again. */
  pressReset(): void {
    this.#emulator?.restart();
  }

  destroy(): Promise<void> {
    return this.guest.destroy();
  }

  #makeCard(machine: V86Machine, { backend, options }: CardPlan): VirtioNet {
    return addVirtioNet(machine, backend, {
      transport: "legacy",
      ...options,
      log: (line) => this.complaints.push(line),
    });
  }
}

/** Where the guest shows a card's PCI function. */
export function pciFolder(card: VirtioNet): string {
  const { dev, fun } = card.pciAddress;
  return `/sys/bus/pci/devices/0000:00:${dev.toString(16).padStart(2, "0")}.${fun}`;
}
