/** The embedder described guest memory wrongly. The message names the argument and its value. */
export class MemoryLayoutError extends RangeError {
  override readonly name = "MemoryLayoutError";
}

/** The bytes of a region went away (a detached `ArrayBuffer`) and nobody said where the new ones are. */
export class DetachedRegionError extends Error {
  override readonly name = "DetachedRegionError";
}

/** This host stores numbers with the most significant byte first; VIRTIO's rings need the other order. */
export class UnsupportedHostError extends Error {
  override readonly name = "UnsupportedHostError";
}
