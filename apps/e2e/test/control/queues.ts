import { expect, it } from "vitest";
import type { CardGuest } from "../support/card-guest.ts";
import { ADDRESS, type ControlLab } from "../support/control-lab.ts";
import { fetchFile } from "../support/traffic.ts";

/** TCP connections, so many that they come to lie on more than one queue. */
const FLOWS = 10;

/** `ethtool -x`'s line of the table's first eight entries. */
const FIRST_ENTRIES = /^ +0:((?: +\d+){8})$/m;
/** Any key: what the card is given, and what the guest reads back. */
const KEY = Array.from({ length: 40 }, (_, i) => ((i * 29 + 3) & 0xff).toString(16).padStart(2, "0")).join(":");

/** How many pairs the guest uses, which of them get what, and how long their rings are. */
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
    const before = framesByPair(alice);
    await manyFlows(alice);
    const used = framesByPair(alice).map(([sent, came], pair) => [
      sent > (before[pair]?.[0] ?? 0),
      came > (before[pair]?.[1] ?? 0),
    ]);
    expect(used.filter(([sent]) => sent).length).toBeGreaterThan(1);
    expect(used.filter(([, came]) => came).length).toBeGreaterThan(1);
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

  it("-X: the guest's table and key choose the pairs of what comes, and all transmit queues still send", async () => {
    const { alice, files } = lab();
    await alice.sh("ethtool -L eth0 combined 4");
    for (const [wanted, entries, used] of [
      ["equal 2", [0, 1, 0, 1, 0, 1, 0, 1], [0, 1]],
      ["weight 0 0 1 0", [2, 2, 2, 2, 2, 2, 2, 2], [2]],
      [`hkey ${KEY} equal 4`, [0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 2, 3]],
    ] as const) {
      await alice.sh(`ethtool -X eth0 ${wanted}`);
      const said = await alice.sh("ethtool -x eth0");
      expect(said).toContain("toeplitz: on");
      expect(FIRST_ENTRIES.exec(said)?.[1]?.trim().split(/ +/).map(Number)).toEqual(entries);
      const before = framesByPair(alice);
      expect(await fetchFile(alice, ADDRESS.bob, files.bob)).toBe(files.bob.md5);
      const more = (direction: 0 | 1): number[] =>
        framesByPair(alice).flatMap((counts, pair) =>
          counts[direction] > (before[pair]?.[direction] ?? 0) ? [pair] : [],
        );
      // Frames without a hash, as ARP's, are pair 0's: Linux says so.
      const others = used.filter((pair) => pair > 0);
      // Ports are random, and so is which pairs a few flows meet.
      for (let rounds = 10; rounds > 0; rounds--) {
        await manyFlows(alice);
        if (others.every((pair) => more(1).includes(pair))) break;
      }
      expect(more(1).filter((pair) => pair > 0)).toEqual(others);
      expect(more(0).length).toBeGreaterThan(1);
    }
    expect(await alice.sh("ethtool -x eth0")).toContain(KEY);
  });

  it("-N, -K receive-hashing: what is hashed is the guest's to say, and frames with hashes arrive whole", async () => {
    const { alice, bob, files } = lab();
    await alice.sh("ethtool -K eth0 receive-hashing on");
    for (const [fields, said] of [
      ["sdfn", /L4 bytes 0 & 1/],
      ["sd", /IP DA\s*$/],
    ] as const) {
      await alice.sh(`ethtool -N eth0 rx-flow-hash tcp4 ${fields}`);
      expect(await alice.sh("ethtool -n eth0 rx-flow-hash tcp4")).toMatch(said);
      expect(await fetchFile(alice, ADDRESS.bob, files.bob)).toBe(files.bob.md5);
    }
    await alice.sh("ethtool -K eth0 receive-hashing off");
    expect(await fetchFile(bob, ADDRESS.alice, files.alice)).toBe(files.alice.md5);
  });

  it("-G: rings of other sizes, one queue after the other reset under a running driver", async () => {
    const { alice, bob, files } = lab();
    await alice.sh("ethtool -G eth0 rx 128 tx 64");
    expect(sizes(alice)).toEqual([128, 64, 128, 64, 128, 64, 128, 64]);
    expect(await fetchFile(alice, ADDRESS.bob, files.bob)).toBe(files.bob.md5);
    await alice.sh("ethtool -G eth0 rx 256 tx 256");
    expect(sizes(alice)).toEqual(new Array(8).fill(256));
    expect(await fetchFile(bob, ADDRESS.alice, files.alice)).toBe(files.alice.md5);
    // The legacy interface has no reset of a queue: Linux 6.1 answers ENOENT.
    await expect(bob.sh("ethtool -G eth0 rx 128")).rejects.toThrow(/No such file/);
  });
}

/** Connections that come to nothing, so many that they come to lie on more than one queue. */
async function manyFlows(guest: CardGuest): Promise<void> {
  await guest.sh(
    `for i in $(seq ${FLOWS}); do wget -q -O /dev/null http://${ADDRESS.bob}/none 2>/dev/null & done; wait`,
  );
}

/** Frames that each pair of a guest's card has sent and received. */
function framesByPair(guest: CardGuest): (readonly [sent: number, came: number])[] {
  return guest.card(0).counters.pairs.map(({ transmit, receive }) => [transmit.frames, receive.frames] as const);
}

/** Entries of the receive and transmit queues as the guest chose them. */
function sizes(guest: CardGuest): number[] {
  return guest
    .card(0)
    .emul.state.queues.slice(0, 8)
    .map(({ size }) => size);
}

/** The most and the current number of combined channels that `ethtool -l` says. */
function channels(said: string): number[] {
  return [...said.matchAll(/Combined:\s+(\d+)/g)].map((match) => Number(match[1]));
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((all, match) => all + Number(match[1]), 0);
}
