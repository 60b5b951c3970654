import { expect, test } from "vitest";
import { at, createFakeNetwork, OWN_PROBE } from "./support/fake-network.ts";

test("our own look at the resolver is answered, and counted for nobody", () => {
  const net = createFakeNetwork();
  const { answers } = net.ask(OWN_PROBE);
  expect(at(answers, 0).readUInt16BE(0)).toBe(OWN_PROBE.readUInt16BE(0));
  expect(net.engine.stats()).toMatchObject({ udpQueries: 0, refused: 0 });
});

test("what is like it is a workload's", () => {
  const net = createFakeNetwork();
  net.ask(Buffer.concat([OWN_PROBE, Buffer.of(0)]));
  net.ask(OWN_PROBE.subarray(0, -1));
  const other = Buffer.from(OWN_PROBE);
  other.writeUInt8(0, other.length - 1);
  net.ask(other);
  expect(net.engine.stats()).toMatchObject({ udpQueries: 3, refused: 3 });
});
