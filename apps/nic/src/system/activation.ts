import { Fd } from "@vmmkit/posix";

/** The first descriptor that systemd hands over (C: `SD_LISTEN_FDS_START`). */
const FIRST = 3;
const PREFIX = "systemd:";

/**
 * Sockets that listen already, opened by systemd or by whoever does as it does: LISTEN_FDS of them from descriptor 3 on,
 * named by LISTEN_FDNAMES, for the process LISTEN_PID (sd_listen_fds(3)).
 */
export class Activation {
  readonly #fds: ReadonlyMap<string, Fd>;

  constructor(fds: ReadonlyMap<string, Fd>) {
    this.#fds = fds;
  }

  /**
   * Takes what this process was handed, and takes it out of the environment, so that no child believes to have it.
   * @throws RangeError where two have the same name
   */
  static take(env: NodeJS.ProcessEnv, pid: number): Activation {
    const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env;
    for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
    const fds = new Map<string, Fd>();
    if (LISTEN_PID !== String(pid) || !/^\d{1,4}$/.test(LISTEN_FDS ?? "")) return new Activation(fds);
    const names = LISTEN_FDNAMES?.split(":") ?? [];
    for (let i = 0; i < Number(LISTEN_FDS); i++) {
      const name = names[i] ?? String(FIRST + i);
      if (fds.has(name)) throw new RangeError(`two sockets from systemd are called "${name}": set FileDescriptorName=`);
      const fd = new Fd(FIRST + i);
      fd.setCloseOnExec(true);
      fds.set(name, fd);
    }
    return new Activation(fds);
  }

  /**
   * Where to listen: a path as it is, and for "systemd:NAME" the socket of that name.
   * @throws RangeError where there is none
   */
  resolve(path: string): string | Fd {
    if (!path.startsWith(PREFIX)) return path;
    const name = path.slice(PREFIX.length);
    const fd = this.#fds.get(name);
    if (fd !== undefined) return fd;
    const names = [...this.#fds.keys()].join(", ");
    throw new RangeError(
      `no socket from systemd is called "${name}"; there ${names === "" ? "is none" : `are ${names}`}`,
    );
  }
}

/** Whether a path is a file's, and not a socket of systemd's. */
export function isFilePath(path: string): boolean {
  return !path.startsWith(PREFIX);
}
