import { openSocket, type Poller, Ready, read, type Socket, SocketDomain, SocketType, type Watch } from "@vmmkit/posix";
import { InterfaceControl, inNetwork } from "./interface-control.ts";
import type { TapDevice } from "./tap-device.ts";

/** `struct sockaddr_nl` with the group of link messages: AF_NETLINK, padding, no port, RTMGRP_LINK. */
const LINK_MESSAGES = Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);

/** How often it is looked whether an interface is back, in milliseconds, where no message may say so. */
const LOOK_AGAIN_MS = 500;

/** Messages that are read before others have their turn. */
const MESSAGES_PER_TURN = 64;

/**
 * Knows whether the interface is there and up, and tells when that changes. The kernel's messages say when to look;
 * what they say is not looked at, so one that is lost or late does no harm.
 */
export class LinkMonitor {
  /** The interface exists, and the device is attached to it. */
  present = true;
  /** It is up. True where it moved to where we cannot look: then each frame finds out by itself. */
  up = false;
  /** Its MTU. */
  mtu = 0;
  /** How often it came back after it was deleted. */
  returns = 0;
  readonly #device: TapDevice;
  readonly #poller: Poller;
  readonly #onChange: () => void;
  readonly #message: Uint8Array = new Uint8Array(new ArrayBuffer(8192));
  /** Of the network namespace that the interface is in, as far as we can look into it. */
  control: InterfaceControl;
  #socket: Socket | null = null;
  #watch: Watch | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The interface is in a network namespace that we cannot look into. */
  #unseen = false;

  /**
   * @param control of the network namespace that the interface is in. It is closed here
   * @param onChange called when one of the fields above changed
   */
  constructor(device: TapDevice, control: InterfaceControl, poller: Poller, onChange: () => void) {
    this.#device = device;
    this.control = control;
    this.#poller = poller;
    this.#onChange = onChange;
    this.#listen();
    this.#look();
    this.#setTimer();
  }

  /** Looks at the interface, and tries to get it back where it is gone. */
  refresh(): void {
    const { present, up, mtu, returns } = this;
    this.#look();
    this.#setTimer();
    if (present !== this.present || up !== this.up || mtu !== this.mtu || returns !== this.returns) this.#onChange();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#watch?.close();
    this.#socket?.close();
    this.control.close();
  }

  #look(): void {
    let name = this.#device.currentName();
    if (name === null && this.control.index(this.#device.name) > 0 && this.#device.attachAgain()) {
      name = this.#device.currentName();
      this.returns++;
    }
    this.present = name !== null;
    this.#unseen = false;
    if (name === null) {
      this.up = false;
      return;
    }
    const state = this.control.state(name) ?? this.#follow(name);
    this.#unseen = state === null;
    this.up = state?.up ?? true;
    this.mtu = state?.mtu ?? this.mtu;
  }

  /** The interface was moved to another network namespace: from now on that is where we look. */
  #follow(name: string): ReturnType<InterfaceControl["state"]> {
    const namespace = this.#device.namespace();
    if (namespace === null) return null;
    try {
      return inNetwork(namespace, () => {
        const control = new InterfaceControl();
        this.control.close();
        this.control = control;
        this.#listen();
        return control.state(name);
      });
    } catch {
      // Not allowed to go there: each frame finds out whether the interface is up.
      return null;
    }
  }

  #listen(): void {
    this.#watch?.close();
    this.#socket?.close();
    this.#socket = null;
    this.#watch = null;
    try {
      this.#socket = openSocket(SocketDomain.Netlink, SocketType.Raw);
      this.#socket.bind(LINK_MESSAGES);
      this.#watch = this.#poller.watch(this.#socket.fd, Ready.Read, () => this.#drain()).unref();
    } catch {
      // A sandbox may forbid it. The timer looks instead.
      this.#socket?.close();
      this.#socket = null;
    }
  }

  /** Several messages mean one look. */
  #drain(): void {
    const socket = this.#socket;
    if (socket === null) return;
    // An error is that messages were lost, which makes no difference here.
    for (let i = 0; i < MESSAGES_PER_TURN && read(socket.fd.number, this.#message) > 0; i++);
    this.refresh();
  }

  #setTimer(): void {
    const needed = !this.present || this.#unseen || this.#socket === null;
    if (needed === (this.#timer !== null)) return;
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    } else {
      this.#timer = setInterval(() => this.refresh(), LOOK_AGAIN_MS).unref();
    }
  }
}
