import { type Fd, isEventFd } from "@vmmkit/posix";
import { VIRTIO_NET_CONFIG_MTU, VIRTIO_NET_F_MTU } from "@vmmkit/virtio";
import { BackendChannel } from "./backend-channel.ts";
import { DirtyLog } from "./dirty-log.ts";
import { RequestError } from "./errors.ts";
import { InflightArea, makeInflightMemory } from "./inflight.ts";
import { need, readU64, readVringState, readWords, u64, words } from "./payload.ts";
import type { ServedDevice } from "./served-device.ts";
import * as spec from "./spec.ts";
import { Request } from "./spec.ts";

const MIN_MTU = 68;
const CONFIG_HEADER_BYTES = 12;
/** Longest configuration that a message carries. */
const MAX_CONFIG_BYTES = 256;

/** What the back-end can, whatever the device. */
const PROTOCOL_FEATURES = [
  spec.PROTOCOL_F_MQ,
  spec.PROTOCOL_F_LOG_SHMFD,
  spec.PROTOCOL_F_REPLY_ACK,
  spec.PROTOCOL_F_NET_MTU,
  spec.PROTOCOL_F_BACKEND_REQ,
  spec.PROTOCOL_F_CONFIG,
  spec.PROTOCOL_F_INFLIGHT_SHMFD,
  spec.PROTOCOL_F_RESET_DEVICE,
  spec.PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  spec.PROTOCOL_F_STATUS,
];

/** Carries out a front-end's requests, one after the other. */
export class Requests {
  readonly #served: ServedDevice;
  readonly #announce: ((mac: Uint8Array) => void) | null;
  readonly #channel = new BackendChannel();
  #protocolFeatures = 0;
  /** Memory for the record of what is in flight, as long as the front-end may not have it yet. */
  #inflightFd: Fd | null = null;
  /** As the front-end wrote it, with STATUS. */
  #status = 0;

  /** @param announce broadcasts that a station is here now; null where nobody does */
  constructor(served: ServedDevice, announce: ((mac: Uint8Array) => void) | null) {
    this.#served = served;
    this.#announce = announce;
    served.onConfigChange = () => {
      if (this.hasProtocolFeature(spec.PROTOCOL_F_CONFIG)) this.#channel.configChanged();
    };
  }

  /** Whether a protocol feature was agreed on. */
  hasProtocolFeature(bit: number): boolean {
    return (this.#protocolFeatures & (1 << bit)) !== 0;
  }

  /**
   * @param fds came with it; those that are kept are taken out
   * @returns the answer's payload; null for a request that has none
   * @throws RequestError
   */
  handle(request: number, body: DataView, fds: Fd[]): Uint8Array | null {
    const answer = this.#answer(request, body);
    if (answer === undefined) this.#carryOut(request, body, fds);
    return answer ?? null;
  }

  /** What goes along with the answer to a request. It stays open until the next one, or the end. */
  answerFds(request: number): readonly Fd[] {
    return request === Request.GetInflightFd && this.#inflightFd !== null ? [this.#inflightFd] : [];
  }

  /** The front-end is gone. */
  close(): void {
    this.#inflightFd?.close();
    this.#channel.close();
    this.#served.onConfigChange = () => {};
    this.#served.release();
  }

  /** Requests that ask for something. Undefined for those that do not. */
  #answer(request: number, body: DataView): Uint8Array | undefined {
    const served = this.#served;
    switch (request) {
      case Request.GetFeatures:
        return u64(...served.offered);
      case Request.GetProtocolFeatures:
        return u64(this.#offeredProtocolFeatures());
      case Request.GetQueueNum:
        return u64(Math.max(1, served.rings.length >> 1));
      case Request.GetVringBase:
        return this.#getBase(body);
      case Request.GetConfig:
        return this.#getConfig(body);
      case Request.GetMaxMemSlots:
        return u64(served.table.maxSlots);
      case Request.GetInflightFd:
        return this.#getInflight(body);
      case Request.GetStatus:
        return u64(this.#status | (served.needsReset ? 0x40 : 0));
      default:
        return undefined;
    }
  }

  #carryOut(request: number, body: DataView, fds: Fd[]): void {
    const served = this.#served;
    switch (request) {
      case Request.SetFeatures:
        served.setFeatures(...readWords(body));
        break;
      case Request.SetProtocolFeatures:
        this.#protocolFeatures = readWords(body)[0] & this.#offeredProtocolFeatures();
        break;
      case Request.SetOwner:
      case Request.ResetOwner:
      case Request.SetLogFd:
        // Whose we are, we know: there is one connection. To be told of a log, nobody asks any more.
        break;
      case Request.SetMemTable:
        served.table.replace(body, fds);
        break;
      case Request.AddMemReg:
        served.table.add(body, fds);
        break;
      case Request.RemMemReg:
        served.table.remove(body);
        break;
      case Request.SetLogBase:
        this.#setLog(body, fds);
        break;
      case Request.ResetDevice:
        served.reset();
        break;
      case Request.SetStatus:
        this.#setStatus(readU64(body));
        break;
      case Request.SetInflightFd:
        this.#setInflight(body, fds);
        break;
      case Request.SetBackendReqFd:
        this.#channel.open(takeOne(fds));
        break;
      case Request.SetConfig:
        this.#setConfig(body);
        break;
      case Request.NetSetMtu:
        this.#checkMtu(readU64(body));
        break;
      case Request.SendRarp:
        need(body, 8);
        this.#announce?.(new Uint8Array(body.buffer, body.byteOffset, 6).slice());
        break;
      default:
        this.#setRing(request, body, fds);
    }
  }

  #setRing(request: number, body: DataView, fds: Fd[]): void {
    const served = this.#served;
    switch (request) {
      case Request.SetVringNum: {
        const { index, num } = readVringState(body);
        served.ring(index).size = num;
        break;
      }
      case Request.SetVringBase: {
        const { index, num } = readVringState(body);
        served.ring(index).base = num;
        break;
      }
      case Request.SetVringAddr:
        this.#setAddress(body);
        break;
      case Request.SetVringEnable: {
        const { index, num } = readVringState(body);
        served.ring(index).enabled = num !== 0;
        break;
      }
      case Request.SetVringKick:
        served.ring(vringOf(body)).setKick(vringFd(body, fds));
        break;
      case Request.SetVringCall:
        served.ring(vringOf(body)).setCall(vringFd(body, fds));
        break;
      case Request.SetVringErr:
        served.ring(vringOf(body)).setErr(vringFd(body, fds));
        break;
      default:
        throw new RequestError("not known here");
    }
    served.settle();
  }

  /** The three parts of a ring, by the front-end's addresses. */
  #setAddress(body: DataView): void {
    need(body, 40);
    const { table } = this.#served;
    const ring = this.#served.ring(body.getUint32(0, true));
    const [descTable, usedRing, availRing] = [8, 16, 24].map((at) => table.toGuest(readU64(body, at)));
    if (descTable === undefined || usedRing === undefined || availRing === undefined) return;
    const place = { descTable, driverArea: availRing, deviceArea: usedRing };
    const { place: before } = ring;
    const moved = before?.descTable !== descTable || before.driverArea !== availRing || before.deviceArea !== usedRing;
    // A ring that works is told its place again when a log starts; that alone does not stop it.
    if (moved) ring.stop();
    ring.place = place;
  }

  #getBase(body: DataView): Uint8Array {
    const { index } = readVringState(body);
    return words(index, this.#served.ring(index).release());
  }

  #setLog(body: DataView, fds: readonly Fd[]): void {
    const [fd] = fds;
    if (fd === undefined) throw new RequestError("a log without memory");
    this.#served.setLog(new DirtyLog(body, fd));
  }

  #getInflight(body: DataView): Uint8Array {
    this.#inflightFd?.close();
    this.#inflightFd = null;
    const { rings, isPacked } = this.#served;
    const { answer, fd } = makeInflightMemory(body, rings.length, isPacked);
    this.#inflightFd = fd;
    return answer;
  }

  #setInflight(body: DataView, fds: readonly Fd[]): void {
    const [fd] = fds;
    if (fd === undefined) throw new RequestError("a record of what is in flight without memory");
    this.#served.setInflight(new InflightArea(body, fd, this.#served.rings.length));
  }

  #setStatus(status: number): void {
    this.#status = status & 0xff;
    if (status === 0) this.#served.reset();
  }

  #getConfig(body: DataView): Uint8Array {
    const { offset, size } = readConfigRange(body);
    const { config } = this.#served.device.state.device;
    const answer = new Uint8Array(CONFIG_HEADER_BYTES + size);
    answer.set(new Uint8Array(body.buffer, body.byteOffset, CONFIG_HEADER_BYTES));
    answer.set(config.subarray(offset, offset + size), CONFIG_HEADER_BYTES);
    return answer;
  }

  #setConfig(body: DataView): void {
    const { offset, size } = readConfigRange(body);
    need(body, CONFIG_HEADER_BYTES + size);
    const { device } = this.#served.device.state;
    for (let i = 0; i < size; i++) device.configWrite(offset + i, body.getUint8(CONFIG_HEADER_BYTES + i), false);
  }

  /** The front-end's guest is told an MTU, which is the device's or less: longer frames would not be carried. */
  #checkMtu(mtu: number): void {
    const { device } = this.#served.device.state;
    if ((device.featuresLow & (1 << VIRTIO_NET_F_MTU)) === 0) return;
    const { config } = device;
    const own = (config[VIRTIO_NET_CONFIG_MTU] ?? 0) + 256 * (config[VIRTIO_NET_CONFIG_MTU + 1] ?? 0);
    if (mtu < MIN_MTU || mtu > own) throw new RequestError(`an MTU of ${mtu} where ${own} is possible`);
  }

  #offeredProtocolFeatures(): number {
    const bits = this.#announce === null ? PROTOCOL_FEATURES : [...PROTOCOL_FEATURES, spec.PROTOCOL_F_RARP];
    return bits.reduce((sum, bit) => sum + 2 ** bit, 0);
  }
}

function readConfigRange(body: DataView): { readonly offset: number; readonly size: number } {
  need(body, CONFIG_HEADER_BYTES);
  const [offset, size] = [body.getUint32(0, true), body.getUint32(4, true)];
  if (offset + size > MAX_CONFIG_BYTES) throw new RequestError(`${size} bytes of configuration at ${offset}`);
  return { offset, size };
}

function vringOf(body: DataView): number {
  need(body, 8);
  return body.getUint32(0, true) & spec.VRING_INDEX_MASK;
}

/** The descriptor of a SET_VRING_KICK or _CALL; null where it says that there is none. */
function vringFd(body: DataView, fds: Fd[]): Fd | null {
  if ((body.getUint32(0, true) & spec.VRING_NO_FD) !== 0) return null;
  const fd = takeOne(fds);
  if (isEventFd(fd)) {
    fd.setNonBlocking(true);
    return fd;
  }
  fd.close();
  throw new RequestError("a descriptor that is no eventfd");
}

function takeOne(fds: Fd[]): Fd {
  const fd = fds.length === 1 ? fds.shift() : undefined;
  if (fd === undefined) throw new RequestError(`${fds.length} descriptors where one is needed`);
  return fd;
}
