import { expect, it } from "vitest";
import { ADDRESS, type ControlLab } from "../support/control-lab.ts";
import { fetchFile } from "../support/traffic.ts";

/** TCP connections, so many that they come to lie on more than one queue. */
const FLOWS = 10;

/** How many pairs the guest uses. */
export function queueTests(lab: () => ControlLab): void {
  it("-l: what the card has, of which a guest with one processor uses one", async () => {
    const { alice, bob } = lab();
    expect(channels(await alice.sh("ethtool -l eth0"))).toEqual([4, 1]);
    expect(channels(await bob.sh("ethtool -l eth0"))).toEqual([2, 1]);
  });

  it("-L: other numbers while a file is on its way, which arrives whole", async () => {
    const { alice, bob, files } = lab();
    const incoming = [fetchFile(alice, ADDRESS.bob, files.bob), fetchFile(bob, ADDRESS.alice, files.alice)];
    for (const [guest, pairs] of [
      [alice, 3],
      [bob, 2],
      [alice, 2],
      [bob, 1],
      [alice, 4],
      [bob, 2],
    ] as const) {
      await guest.sh(`ethtool -L eth0 combined ${pairs}`);
      expect(guest.card(0).queuePairs).toBe(pairs);
    }
    expect(await Promise.all(incoming)).toEqual([files.bob.md5, files.alice.md5]);
  });

  it("flows are spread over the pairs, both ways, and a flow's answers come where it was sent", async () => {
    const { alice } = lab();
    const { pairs } = alice.card(0).counters;
    const before = pairs.map(({ transmit, receive }) => [transmit.frames, receive.frames] as const);
    await alice.sh(
      `for i in $(seq ${FLOWS}); do wget -q -O /dev/null http://${ADDRESS.bob}/none 2>/dev/null & done; wait`,
    );
    const used = pairs.map(({ transmit, receive }, i) => [
      transmit.frames > (before[i]?.[0] ?? 0),
      receive.frames > (before[i]?.[1] ?? 0),
    ]);
    expect(used.filter(([sent]) => sent).length).toBeGreaterThan(1);
    expect(used.filter(([, received]) => received).length).toBeGreaterThan(1);
  });

  it("-S: the guest counts what the card counts", async () => {
    const { alice, bob } = lab();
    for (const guest of [alice, bob]) {
      const { receive, transmit } = guest.card(0).counters;
      const statistics = await guest.sh("ethtool -S eth0");
      expect(sum(statistics, /rx_queue_\d+_packets: (\d+)/g)).toBe(receive.frames);
      const sent = sum(statistics, /tx_queue_\d+_packets: (\d+)/g);
      // Linux counts a frame when it takes its descriptors back, which is when it next sends.
      expect(sent).toBeLessThanOrEqual(transmit.frames);
      expect(sent).toBeGreaterThan(transmit.frames / 2);
    }
  });
}

/** The most and the current number of combined channels that `ethtool -l` says. */
function channels(said: string): number[] {
  return [...said.matchAll(/Combined:\s+(\d+)/g)].map((match) => Number(match[1]));
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((all, match) => all + Number(match[1]), 0);
}
