/**
 * Row 33: more half hellos than the queue has room for, while nobody reads. What finds no room is dropped,
 * and comes again: others' connections go on once somebody reads, and none passes unread.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { inRecords, makeHello, serverName } from "../wire-names/make-hello.ts";
import { attackWith, startAttack } from "./attack.ts";
import { type Sink, SINK_PORT, startSink } from "./sink.ts";

const PORT = String(SINK_PORT);
const ADDRESS = "198.51.100.50";
const [GOOD, EVIL] = ["good.shared.example.org", "evil.shared.example.org"];
/** More than the 4096 packets that may wait. */
const FLOOD = 4600;

const lab = useLab({ zone: { [GOOD]: { addresses: [ADDRESS] } }, upstream: { ttlSeconds: 300 } });
let sink: Sink;
beforeAll(async () => {
  sink = await startSink(lab.internet);
});
afterAll(() => sink[Symbol.asyncDispose]());

const hello = (name: string): Buffer => inRecords(makeHello({ serverNames: [serverName(name)] }));
const attempt = (name: string): string =>
  JSON.stringify([{ what: name, pieces: [hello(name).toString("hex")] }]);

test("a full queue lets nothing by, and others' connections go on once it is read", async () => {
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: GOOD }] },
    env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" },
  });
  await lab.dig(GOOD, "A");
  process.kill(sidecar.pid, "SIGSTOP");
  const half = hello(EVIL).subarray(0, 60).toString("hex");
  await using flood = await startAttack(lab, "shown_names", "flood", ADDRESS, PORT, String(FLOOD), half);
  expect(flood.lines[0]).toMatchObject({ count: FLOOD });
  const others = [GOOD, EVIL].map((name) =>
    attackWith(lab, "shown_names", attempt(name), "texts", ADDRESS, PORT),
  );
  process.kill(sidecar.pid, "SIGCONT");
  const [good, evil] = await Promise.all(others);
  expect(good).toEqual({ [GOOD]: `received ${hello(GOOD).length}` });
  expect(evil).toEqual({ [EVIL]: "refused" });
  const drops = async (): Promise<number> => {
    const { text } = await sidecar.api("GET", "/metrics");
    return Number(/^egress_names_drops_total\S* (\d+)/m.exec(text)?.[1] ?? 0);
  };
  await until("what found no room is counted", async () => (await drops()) > 0);
  expect(sink.lines.some(({ text }) => String(text).toLowerCase().includes(EVIL))).toBe(false);
});
