import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";

/** A user and a group, as numbers. */
export interface Identity {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds "NAME" or "NAME:GROUP", names or numbers. Without GROUP it is the user's own.
 * @throws Error where there is no such user or group
 */
export function findIdentity(text: string): Identity {
  const [user = "", group] = text.split(":");
  // The system's own word, wherever it has its users from.
  const uid = ask("id", ["-u", "--", user], `there is no user "${user}"`);
  const gid =
    group === undefined
      ? ask("id", ["-g", "--", user], `user "${user}" has no group`)
      : ask("getent", ["group", group], `there is no group "${group}"`, 2);
  return { user, uid, gid };
}

/** Gives files to somebody, sockets among them. */
export function giveAway(paths: readonly string[], { uid, gid }: Identity): void {
  for (const path of paths) chownSync(path, uid, gid);
}

/**
 * Becomes somebody else, for good: the groups first, while there is still the right to, then the group, then the user.
 * @throws Error where that may not be, or could be taken back
 */
export function become({ user, uid, gid }: Identity): void {
  const { setgroups, setgid, setuid } = process;
  if (setgroups === undefined || setgid === undefined || setuid === undefined)
    throw new Error("no users on this system");
  try {
    setgroups([gid]);
    setgid(gid);
    setuid(uid);
  } catch (error) {
    throw new Error(`to run as ${user} takes root: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (uid !== 0 && mayReturn(setuid)) throw new Error(`running as ${user} could be taken back`);
}

function mayReturn(setuid: (uid: number) => void): boolean {
  try {
    setuid(0);
    return true;
  } catch {
    return false;
  }
}

function ask(program: string, args: readonly string[], missing: string, field = 0): number {
  let answer = "";
  try {
    answer = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    throw new Error(missing);
  }
  const number = Number(answer.trim().split(":")[field]);
  if (!Number.isInteger(number)) throw new Error(missing);
  return number;
}
