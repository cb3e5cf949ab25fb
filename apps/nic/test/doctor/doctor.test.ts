import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Diagnosis } from "../../src/doctor/doctor.ts";
import { type Outcome, runMain } from "../support/run-main.ts";

/** Programs of other machines: what they write for their first argument. Any other argument fails. */
type Programs = Readonly<Record<string, Readonly<Record<string, string>>>>;

async function doctor(programs: Programs | null, ...args: readonly string[]): Promise<Outcome> {
  if (programs === null) return runMain("doctor", ...args);
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-doctor-"));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  for (const [name, answers] of Object.entries(programs)) {
    const cases = Object.entries(answers).map(([argument, text]) => `  ${argument}) echo '${text}';;\n`);
    writeFileSync(join(folder, name), `#!/bin/sh\ncase "$1" in\n${cases.join("")}  *) exit 1;;\nesac\n`);
    chmodSync(join(folder, name), 0o755);
  }
  vi.stubEnv("PATH", folder);
  return runMain("doctor", ...args);
}

async function diagnosisOf(programs: Programs | null, ...args: readonly string[]): Promise<Diagnosis> {
  return JSON.parse((await doctor(programs, "--json", ...args)).stdout) as Diagnosis;
}

function found({ findings }: Diagnosis, what: string) {
  return findings.find((finding) => finding.what === what);
}

const version = (number: string): string => `QEMU emulator version ${number} (Debian)`;
const OLD = { "--version": version("7.2.22") };
const NEW = { "--version": version("10.1.0"), "-device": "vfio-user-pci options:" };

describe("nic doctor", () => {
  it("without QEMU: says which program is missing, and ends with 1", async () => {
    const { status, stdout } = await doctor({}, "--qemu", "qemu-system-x86_64");
    expect(stdout).toMatch(/^QEMU +no +qemu-system-x86_64 is not in PATH/m);
    expect(stdout).toContain("Without QEMU there is no guest to start.");
    expect(status).toBe(1);
  });

  it("with an old QEMU: vhost-user", async () => {
    const diagnosis = await diagnosisOf({ q: OLD }, "--qemu", "q");
    expect(found(diagnosis, "QEMU")).toMatchObject({ ok: true, detail: expect.stringContaining("7.2") });
    expect(found(diagnosis, "vfio-user")?.ok).toBe(false);
    expect(diagnosis.commands?.nic).toBe("nic serve --vhost-user nic.sock");
    expect(diagnosis.commands?.qemu).toMatch(/^q -m 1024M .*share=on.*path=nic\.sock,reconnect=1 /s);
  });

  it("with a new QEMU: vfio-user", async () => {
    const diagnosis = await diagnosisOf({ q: NEW }, "--qemu", "q");
    expect(found(diagnosis, "vfio-user")?.ok).toBe(true);
    expect(diagnosis.commands?.nic).toMatch(/^nic serve --vfio-user nic\.sock --mac /);
    expect(diagnosis.commands?.qemu).toContain('"driver": "vfio-user-pci"');
  });

  it("with a new QEMU that was built without vfio-user: vhost-user, as that version has it", async () => {
    const { commands } = await diagnosisOf({ q: { "--version": version("11.1.2") } }, "--qemu", "q");
    expect(commands?.qemu).toContain("reconnect-ms=1000");
  });

  it("a QEMU that answers nonsense is none", async () => {
    expect((await diagnosisOf({ q: { "--version": "hello" } }, "--qemu", "q")).commands).toBeNull();
  });

  it("finds passt, or says that it is not there", async () => {
    expect(found(await diagnosisOf({ passt: { "--version": "passt 2026_01_01" } }), "passt")).toEqual({
      what: "passt",
      ok: true,
      detail: "passt 2026_01_01",
    });
    expect(found(await diagnosisOf({}), "passt")?.ok).toBe(false);
  });

  it("this machine: shared memory works, and each finding says something", async () => {
    const { stdout, stderr } = await doctor(null);
    expect(stdout).toMatch(/^shared memory +yes +memfd works$/m);
    for (const what of ["QEMU", "KVM", "TAP", "libpcap", "passt", "huge pages", "namespaces"]) {
      expect(stdout).toMatch(new RegExp(`^${what} +(yes|no ) +\\S+`, "m"));
    }
    expect(stderr).toBe("");
  });
});
