/** A piece of a capture file: whole records of frames, one behind the other. Used again and again. */
export class Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** How many bytes count. */
  used = 0;
  /** Number of the file that they belong to. */
  file = 0;
  /** How many interfaces the records know. */
  interfaces = 0;
  /** How many records there are, in all and by interface. */
  frames = 0;
  readonly framesOf: number[] = [];
  /** By interface: frames dropped before, as the records say. */
  readonly dropsOf: number[] = [];

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Empties it, for records of a file. */
  start(file: number): void {
    this.used = 0;
    this.file = file;
    this.interfaces = 0;
    this.frames = 0;
    this.framesOf.fill(0);
    this.dropsOf.fill(0);
  }

  /**
   * Counts a record of `lengthBytes` bytes that stands behind those used.
   * @param drops how many frames it says were dropped before it
   */
  commit(interfaceId: number, lengthBytes: number, drops: number): void {
    while (this.framesOf.length <= interfaceId) {
      this.framesOf.push(0);
      this.dropsOf.push(0);
    }
    this.framesOf[interfaceId] = (this.framesOf[interfaceId] ?? 0) + 1;
    this.dropsOf[interfaceId] = (this.dropsOf[interfaceId] ?? 0) + drops;
    if (this.interfaces <= interfaceId) this.interfaces = interfaceId + 1;
    this.frames++;
    this.used += lengthBytes;
  }
}
