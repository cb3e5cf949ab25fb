import { PosixError } from "@vmmkit/posix";
import { RequestError } from "./errors.ts";

/**
 * Maps memory that the front-end handed over.
 * @throws RequestError where the kernel refuses: what was handed over is at fault, not this process
 */
export function mapHandedOver<T>(map: () => T): T {
  try {
    return map();
  } catch (error) {
    throw error instanceof PosixError ? new RequestError(error.message) : error;
  }
}
