import { loopbackBackend } from "@vmmkit/backend-loopback";
import { GuestNetDriver, GuestRam } from "@vmmkit/guest-driver";
import { EventFd } from "@vmmkit/posix";
import { makeVirtioNetFunction } from "@vmmkit/virtio-net";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { dmaMap, guestMemory, setIrqs } from "./support/client.ts";
import { ClientPorts } from "./support/client-ports.ts";
import { serve } from "./support/rig.ts";

const MEMORY_BYTES = 16 << 20;
const [DMA_MAP, SET_IRQS, RESET] = [2, 8, 13];
const [TRIGGER_EVENTFD, UNMASK] = [4 | 32, 1 | 16];

describe("a network card over vfio-user", () => {
  it("a driver of its own probes it, sends, receives what comes back, and starts again after a reset", () => {
    const backend = loopbackBackend();
    const { connect } = serve((vm) => makeVirtioNetFunction(vm, backend).function);
    const client = connect();
    const { fd, buffer } = guestMemory(MEMORY_BYTES);
    client.succeed(DMA_MAP, dmaMap(0, MEMORY_BYTES), [fd]);
    const irq = new EventFd();
    client.succeed(SET_IRQS, setIrqs(TRIGGER_EVENTFD, 0, 0, 1), [irq.fd]);
    const ports = new ClientPorts(client);
    const ram = new GuestRam(new GuestMemory([{ gpa: 0, size: MEMORY_BYTES, buffer }]));
    for (let round = 0; round < 2; round++) {
      const driver = GuestNetDriver.probe(ports, ram);
      driver.start();
      expect(driver.readMac()).toEqual(Uint8Array.from(backend.getMac(undefined as never)));
      const frames = Array.from({ length: 50 }, (_, i) => new Uint8Array(60 + 20 * i).fill(i + 1));
      expect(driver.sendBatch(frames)).toBe(50);
      client.turn();
      const received: Uint8Array[] = [];
      while (irq.take() > 0) {
        driver.onInterrupt();
        received.push(...driver.receiveAll());
        client.succeed(SET_IRQS, setIrqs(UNMASK, 0, 0, 1));
      }
      expect(received).toEqual(frames);
      driver.verifyGuards();
      client.succeed(RESET);
      expect(driver.transport.readStatus()).toBe(0);
    }
    irq.close();
  });
});
