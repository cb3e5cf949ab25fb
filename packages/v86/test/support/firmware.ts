const ROM_BYTES = 0x1_0000;
/** F000:FFF0, where the processor starts: a far jump to F000:0000. */
const RESET_VECTOR = [0xea, 0x00, 0x00, 0x00, 0xf0];

/**
 * A little assembler of 16-bit real-mode code, for firmware of a few dozen instructions: enough to drive devices
 * from inside the emulated processor. DS and SS are 0, so `toAddress` is a guest physical address below 64 KiB.
 */
export class Firmware {
  readonly #code: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly at: number; readonly label: string }[] = [];

  constructor() {
    // xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,0x7000
    this.#emit(0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x70);
  }

  out(size: 1 | 2 | 4, port: number, value: number): this {
    return this.#dx(port)
      .#eax(value)
      .#emit(...OUT[size]);
  }

  /** Reads a port, and stores what it read in memory as 32 bits (those above `size` are from `fill`). */
  in(size: 1 | 2 | 4, port: number, toAddress: number, fill = 0): this {
    return this.#dx(port)
      .#eax(fill)
      .#emit(...IN[size])
      .#emit(0x66, 0xa3, ...word(toAddress));
  }

  /** Reads 32 bits of configuration space of device `dev`, function 0, into memory. */
  configRead(dev: number, register: number, toAddress: number): this {
    return this.out(4, 0xcf8, configAddress(dev, register)).in(4, 0xcfc, toAddress);
  }

  configWrite(dev: number, register: number, value: number, size: 1 | 2 | 4 = 4): this {
    return this.out(4, 0xcf8, configAddress(dev, register)).out(size, 0xcfc + (register & 3), value);
  }

  /** Stores 32 bits. */
  store(address: number, value: number): this {
    return this.#emit(0x66, 0xc7, 0x06, ...word(address), ...dword(value));
  }

  /** Lets DS reach all 4 GiB, for `storeHigh` and `loadHigh`: through protected mode and back ("big real mode"). */
  bigReal(): this {
    // lgdt cs:[GDTR]; mov eax,cr0; or al,1; mov cr0,eax; mov bx,8; mov ds,bx; and al,0xfe; mov cr0,eax
    return this.#emit(0x2e, 0x0f, 0x01, 0x16, ...word(GDTR), 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0).#emit(
      0xbb,
      0x08,
      0x00,
      0x8e,
      0xdb,
      0x24,
      0xfe,
      0x0f,
      0x22,
      0xc0,
    );
  }

  /** Stores at any address. */
  storeHigh(size: 1 | 2 | 4, address: number, value: number): this {
    if (size === 1) return this.#emit(0x67, 0xc6, 0x05, ...dword(address), value & 0xff);
    if (size === 2) return this.#emit(0x67, 0xc7, 0x05, ...dword(address), ...word(value));
    return this.#emit(0x66, 0x67, 0xc7, 0x05, ...dword(address), ...dword(value));
  }

  /** Loads from any address, and stores what it loaded below 64 KiB as 32 bits. */
  loadHigh(size: 1 | 2 | 4, address: number, toAddress: number): this {
    // xor eax,eax
    return this.#emit(0x66, 0x31, 0xc0, ...LOAD[size], ...dword(address), 0x66, 0xa3, ...word(toAddress));
  }

  /** Adds one to the 16 bits at `address`. */
  increment(address: number): this {
    return this.#emit(0xff, 0x06, ...word(address));
  }

  /** Goes on here if the 16 bits at `address` are `value`, else at `label`. */
  skipUnlessEqual(address: number, value: number, label: string): this {
    // cmp word [address], value; je over the jump
    return this.#emit(0x81, 0x3e, ...word(address), ...word(value), 0x74, 0x03).jump(label);
  }

  label(name: string): this {
    this.#labels.set(name, this.#code.length);
    return this;
  }

  jump(label: string): this {
    this.#jumps.push({ at: this.#code.length + 1, label });
    return this.#emit(0xe9, 0, 0);
  }

  /** Calls a routine below 64 KiB that ends in a far return. */
  call(address: number): this {
    return this.#emit(0x9a, ...word(address), 0x00, 0x00);
  }

  sti(): this {
    return this.#emit(0xfb);
  }

  hlt(): this {
    return this.#emit(0xf4);
  }

  iret(): this {
    return this.#emit(0xcf);
  }

  /** Interrupt `vector` goes to `label`. */
  onInterrupt(vector: number, label: string): this {
    // mov word [vector*4], label; mov word [vector*4+2], 0xf000
    this.#emit(0xc7, 0x06, ...word(vector * 4));
    this.#jumps.push({ at: -this.#code.length, label });
    return this.#emit(0, 0).#emit(0xc7, 0x06, ...word(vector * 4 + 2), 0x00, 0xf0);
  }

  /** Programs both interrupt controllers: vectors 0x20 to 0x2f, all inputs on, level-triggered as `elcr` says. */
  initInterruptControllers(elcr: number): this {
    for (const [port, vector, wiring] of [
      [0x20, 0x20, 4],
      [0xa0, 0x28, 2],
    ] as const) {
      this.out(1, port, 0x11)
        .out(1, port + 1, vector)
        .out(1, port + 1, wiring);
      this.out(1, port + 1, 1).out(1, port + 1, 0);
    }
    return this.out(1, 0x4d0, elcr & 0xff).out(1, 0x4d1, elcr >> 8);
  }

  /** Ends an interrupt of either controller. */
  endOfInterrupt(): this {
    return this.out(1, 0xa0, 0x20).out(1, 0x20, 0x20);
  }

  /** `cli` and `hlt`, for ever. */
  stop(): this {
    // cli; hlt; jmp short to the hlt
    return this.#emit(0xfa, 0xf4, 0xeb, 0xfd);
  }

  /** The 64 KiB that end at 1 MiB. */
  image(): ArrayBuffer {
    const rom = new Uint8Array(ROM_BYTES);
    rom.set(this.#linked());
    rom.set(RESET_VECTOR, 0xfff0);
    rom.set([23, 0, ...dword(0xf_0000 + GDT)], GDTR);
    rom.set(FLAT_DATA, GDT + 8);
    return rom.buffer;
  }

  #linked(): number[] {
    const code = [...this.#code];
    for (const { at, label } of this.#jumps) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`no label "${label}"`);
      // An absolute offset where `at` is negative, else one relative to the next instruction.
      const value = at < 0 ? target : target - (at + 2);
      code.splice(Math.abs(at), 2, ...word(value));
    }
    return code;
  }

  #dx(port: number): this {
    return this.#emit(0xba, ...word(port));
  }

  #eax(value: number): this {
    return this.#emit(0x66, 0xb8, ...dword(value));
  }

  #emit(...bytes: number[]): this {
    this.#code.push(...bytes);
    return this;
  }
}

/** Offsets in the ROM of a descriptor table, and of what `lgdt` loads. */
const GDT = 0xff00;
const GDTR = 0xff40;
/** A data segment from 0 to 4 GiB. */
const FLAT_DATA = [0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0];

const LOAD = { 1: [0x67, 0x8a, 0x05], 2: [0x67, 0x8b, 0x05], 4: [0x66, 0x67, 0x8b, 0x05] } as const;
const OUT = { 1: [0xee], 2: [0xef], 4: [0x66, 0xef] } as const;
const IN = { 1: [0xec], 2: [0xed], 4: [0x66, 0xed] } as const;

function word(value: number): [number, number] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function dword(value: number): number[] {
  return [...word(value), ...word(value >>> 16)];
}

function configAddress(dev: number, register: number): number {
  return (0x8000_0000 | (dev << 11) | (register & 0xfc)) >>> 0;
}
