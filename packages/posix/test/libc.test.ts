import { afterEach, describe, expect, it, vi } from "vitest";
import { UnsupportedPlatformError } from "../src/errors.ts";

const real = { platform: process.platform, arch: process.arch };

function pretend(platform: string, arch: string): void {
  Object.defineProperty(process, "platform", { value: platform });
  Object.defineProperty(process, "arch", { value: arch });
}

afterEach(() => {
  pretend(real.platform, real.arch);
  vi.doUnmock("node:module");
  vi.resetModules();
});

/** What loading says there. A fresh copy of the modules: this thread may have loaded the library already. */
async function complaint(): Promise<Error> {
  vi.resetModules();
  const posix = await import("../src/index.ts");
  try {
    posix.openFile("/dev/null");
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was loaded");
}

describe("where it cannot work, one line says so when it is first used, and importing does no harm", () => {
  it("another system", async () => {
    pretend("darwin", "arm64");
    const error = await complaint();
    expect(error.name).toBe(UnsupportedPlatformError.name);
    expect(error.message).toBe("@vmmkit/posix needs Linux, this is darwin");
  });

  it("another processor", async () => {
    pretend("linux", "riscv64");
    expect((await complaint()).message).toMatch(
      /^@vmmkit\/posix knows Linux on x64 and arm64, this is riscv64 \(.E\)$/,
    );
  });

  it("koffi without its binary", async () => {
    vi.doMock("node:module", () => ({
      createRequire: () => () => {
        throw new Error("Cannot find the native Koffi module");
      },
    }));
    const { name, message } = await complaint();
    expect(name).toBe("UnsupportedPlatformError");
    expect(message).toBe(
      `koffi could not be loaded; was its package for linux-${process.arch} installed (optional dependencies)? ` +
        "Cannot find the native Koffi module",
    );
  });
});

describe("the C library", () => {
  it("says why a call failed, on this thread", async () => {
    const { errno, libc } = await import("../src/libc.ts");
    expect(libc().close(999)).toBe(-1);
    expect(errno()).toBe(9);
  });

  it("variadic functions get all of their arguments", async () => {
    const { libc } = await import("../src/libc.ts");
    const fd = libc().open("/dev/null", 0o2, 0);
    // F_DUPFD with a third argument: the copy gets that number or a higher one.
    const copy = libc().fcntl(fd, 0, 200);
    expect(copy).toBeGreaterThanOrEqual(200);
    libc().close(copy);
    libc().close(fd);
  });
});
