import { readBzImage, unpackedBzImage } from "./bzimage.ts";
import { decompress } from "./decompress.ts";

/** Length of the unpacked kernel, which the kernel's build puts behind a payload of most formats. */
const SIZE_TRAILER_BYTES = 4;

/**
 * Makes a kernel that needs no unpacking in the guest out of a distribution's own.
 * @param file a bzImage
 * @returns the new bzImage, or null where this kernel's compression cannot be read here: then the file boots as it
 * is, some ten seconds later
 */
export async function unpackKernel(file: Uint8Array): Promise<Uint8Array | null> {
  const image = readBzImage(file);
  if (image === null || image.payload === null) return null;
  const isGzip = image.payload[0] === 0x1f;
  const end = isGzip ? image.payload.length : image.payload.length - SIZE_TRAILER_BYTES;
  const kernel = await decompress(image.payload.subarray(0, end));
  return kernel === null ? null : unpackedBzImage(image.setup, kernel);
}
