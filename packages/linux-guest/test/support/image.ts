import { spawnSync } from "node:child_process";
import { ensureGuestImage, type GuestImage } from "../../src/index.ts";

/** Why tests with a real guest are skipped here, or false where they run. */
export const withoutGuest: string | false =
  spawnSync("sh", ["-c", "command -v apt-get"]).status === 0
    ? false
    : "there is no apt here to fetch a guest's kernel with";

/** The guest image from the user's cache; the first test on a machine makes it. */
export function guestImage(): Promise<GuestImage> {
  return ensureGuestImage();
}
