/** Row 33: a name in packets that a rule cannot read whole, and QUIC in other forms. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Frame } from "../support/canary.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { inRecords, makeHello, serverName } from "../wire-names/make-hello.ts";
import { attack, expectRefused } from "./attack.ts";
import { type Sink, SINK_PORT, startSink } from "./sink.ts";

const PORT = String(SINK_PORT);
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const OTHER = { addresses: ["198.51.100.51", "2001:db8:100::51"] };
const [GOOD, EVIL] = ["good.shared.example.org", "evil.shared.example.org"];
const HELLO = inRecords(makeHello({ serverNames: [serverName(EVIL)] })).toString("hex");

const lab = useLab({ zone: { [GOOD]: SHARED, [EVIL]: SHARED }, upstream: { ttlSeconds: 300 } });
let sink: Sink;
beforeAll(async () => {
  sink = await startSink(lab.internet);
});
afterAll(() => sink[Symbol.asyncDispose]());

const REFUSED_PARTS = { "fragment 0": "EPERM", "fragment 1": "EPERM" };

describe.each(["off", "known", "strict"])("%s", (setting) => {
  let sidecar: Sidecar | undefined;
  beforeAll(async () => {
    const egress = [GOOD, ...OTHER.addresses].map((target) => ({ action: "allow", target }));
    sidecar = await lab.startSidecar({
      policy: { egress },
      env: { OPENSANDBOX_EGRESS_WIRE_NAMES: setting },
    });
  });
  afterAll(() => sidecar?.kill("SIGKILL"));

  describe.each(FAMILIES)("$name", (family) => {
    beforeEach(async (context) => {
      skipWithoutFamily(context, lab, family);
      await lab.dig(GOOD, family.qtype);
    });
    const at = family.name === "IPv4" ? 0 : 1;
    const [shared = "", other = ""] = [SHARED.addresses[at], OTHER.addresses[at]];
    const toShared = (frame: Frame): boolean => frame.destination === shared && frame.transport === "udp";
    /** What goes there but for the ends of connections that tests before have made. */
    const isNew = ({ destination, transport, sourcePort }: Frame): boolean =>
      destination === shared && (transport !== "tcp" || sourcePort === 4711);

    test("a name in a fragment does not pass", async () => {
      const received = await sink.receivedDuring(async () => {
        const outcome = await attack(lab, "fragments", "tcp", shared, PORT, HELLO);
        expect(outcome).toEqual({ ...REFUSED_PARTS, "the far end": "received 0" });
      });
      expect(received.join("")).toBe("");
    });

    test("QUIC in fragments does not pass", async () => {
      const frames = await lab.canary.during(async () => {
        expect(await attack(lab, "fragments", "udp", shared, "443")).toEqual(REFUSED_PARTS);
      });
      expect(frames.filter(isNew)).toEqual([]);
    });

    test("datagrams that the kernel itself cuts up pass, to addresses and to those of names", async () => {
      const echoed = { "2000 octets": "echoed", "9000 octets": "echoed", "60000 octets": "echoed" };
      expect(await attack(lab, "fragments", "large", other)).toEqual(echoed);
      expect(await attack(lab, "fragments", "large", shared)).toEqual(echoed);
    });

    // Nothing is judged there.
    if (setting === "off") return;
    test("what belongs to no flow does not pass, without data either", async () => {
      const frames = await lab.canary.during(async () => {
        expectRefused(await attack(lab, "fragments", "odd", shared, PORT));
      });
      expect(frames.filter(isNew)).toEqual([]);
    });

    test("QUIC is refused in every form, and nothing else", async () => {
      const [refused, sent] = ["EPERM", "sent"];
      const shapes = {
        "as it is": refused,
        "its second bit unset": refused,
        "version 2, its second bit unset": refused,
        "Facebook's": refused,
        SRTP: sent,
        nothing: sent,
      };
      const atHttp3 = { "a version that nobody has": refused, "behind another in one call": refused };
      const frames = await lab.canary.during(async () => {
        expect(await attack(lab, "fragments", "shapes", shared, "443")).toEqual({ ...shapes, ...atHttp3 });
        expect(await attack(lab, "fragments", "shapes", shared, "4433")).toMatchObject(shapes);
      });
      expect(frames.filter(toShared).filter(({ destinationPort }) => destinationPort === 443)).toHaveLength(
        2,
      );
      expect(new Set(Object.values(await attack(lab, "fragments", "shapes", other, "443")))).toEqual(
        new Set([sent]),
      );
    });
  });
});
