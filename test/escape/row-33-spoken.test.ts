/** Row 33: a rule lets SSH pass, and a workload puts other octets in the place of those that were judged. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hex, KEXINIT } from "../support/app-octets.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attackWith } from "./attack.ts";
import { INSERTIONS, type Sink, SINK_PORT, startSink } from "./sink.ts";

const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [GOOD, EVIL] = ["good.shared.example.org", "evil.shared.example.org"];

const lab = useLab({ zone: { [GOOD]: SHARED }, upstream: { ttlSeconds: 300 } });
let sink: Sink;
let sidecar: Sidecar;
beforeAll(async () => {
  sink = await startSink(lab.internet);
  sidecar = await lab.startSidecar({ policy: {} });
});
afterAll(() => sink[Symbol.asyncDispose]());

/** Long, so that half of all is not enough to be judged by. */
const LINE = hex(`SSH-2.0-OpenSSH_9.2p1 ${"x".repeat(150)}\r\n`);
const SSH = LINE + KEXINIT;
/** As long as SSH's beginning, and seen in both of its halves. */
const HTTP = hex(`GET /${EVIL} HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`)
  .padEnd(SSH.length, "0d0a")
  .slice(0, SSH.length);
/** The line is SSH's, and what follows it is not. */
const BEHIND = LINE + hex(`GET /${EVIL} `).padEnd(KEXINIT.length, "20").slice(0, KEXINIT.length);

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const address = SHARED.addresses[family.name === "IPv4" ? 0 : 1] ?? "";
  const insert = (way: string, evil: string) =>
    attackWith(
      lab,
      "shown_names",
      JSON.stringify({ good: SSH, evil }),
      "insert",
      address,
      `${SINK_PORT}`,
      way,
    );
  async function policyIs(rule: object): Promise<void> {
    expect(await sidecar.api("PUT", "/policy", { body: { egress: [rule] } })).toMatchObject({ status: 200 });
    await lab.dig(GOOD, family.qtype);
  }

  test("where nobody asks what is spoken the attack succeeds", async () => {
    await policyIs({ action: "allow", target: address, ports: [SINK_PORT] });
    const begun = sink.lines.length;
    // Not each try finds the far end without the octets that came first.
    await until("another text has come in their place", async () => {
      await insert("signature", HTTP);
      return sink.lines.slice(begun).some(({ text }) => String(text).includes(EVIL));
    });
    expect(sink.lines.length).toBeGreaterThan(begun);
  });

  describe.each([
    ["a name", GOOD],
    ["an address", address],
  ])("a rule for %s", (_what, target) => {
    beforeEach(() => policyIs({ action: "allow", target, ports: [SINK_PORT], app: "ssh" }));

    test.each(INSERTIONS)("no other octets come in the place of SSH's: %s", async (way) => {
      const before = sidecar.logs().length;
      for (const evil of [HTTP, BEHIND]) {
        const received = await sink.receivedDuring(() => insert(way, evil));
        expect(received.filter((text) => text.includes(EVIL))).toEqual([]);
      }
      await until("it is told", () =>
        sidecar
          .logs()
          .slice(before)
          .some((line) => line["reason.detail"] === "a packet of a raw socket"),
      );
    });

    test("SSH itself passes", async () => {
      const pieces = JSON.stringify([{ what: "ssh", pieces: [SSH] }]);
      const told = await attackWith(lab, "shown_names", pieces, "texts", address, `${SINK_PORT}`);
      expect(told).toEqual({ ssh: `received ${SSH.length / 2}` });
    });
  });
});
