import { expect, test } from "vitest";
import { createSeenFlows } from "../../../src/enforcement/seen/seen-flows.ts";
import { createSeen } from "../../../src/enforcement/seen/seen-targets.ts";
import { connectionOf } from "../../support/decisions.ts";

const tcp = (port: number) => ({ protocol: "tcp", port }) as const;

test("each flow of a target is kept once", () => {
  const seen = createSeenFlows();
  const flows = [tcp(443), tcp(65_535), { protocol: "udp", port: 1 }, { protocol: "icmp", port: 0 }] as const;
  for (const flow of [...flows, ...flows, { protocol: "other", port: 0 } as const])
    seen.add("a.example", flow);
  expect(seen.flowsOf("a.example")).toEqual([...flows, { protocol: "other", port: 0 }]);
  expect(seen.flowsOf("b.example")).toEqual([]);
});

test("port 0, which no rule can name, is not kept", () => {
  const seen = createSeenFlows();
  for (const protocol of ["tcp", "udp"] as const) seen.add("a.example", { protocol, port: 0 });
  expect(seen.flowsOf("a.example")).toEqual([]);
});

test("a target with too many flows is one of which none is known, for good", () => {
  const seen = createSeenFlows(8, 2);
  seen.add("a.example", tcp(1));
  seen.add("a.example", tcp(2));
  expect(seen.flowsOf("a.example")).toEqual([tcp(1), tcp(2)]);
  seen.add("a.example", tcp(3));
  expect(seen.flowsOf("a.example")).toEqual([]);
  seen.add("a.example", tcp(1));
  expect(seen.flowsOf("a.example")).toEqual([]);
});

test("the target that was seen longest ago goes for another", () => {
  const seen = createSeenFlows(2);
  for (const target of ["a.example", "b.example", "a.example", "c.example"]) seen.add(target, tcp(443));
  const known = ["a.example", "b.example", "c.example"].filter((target) => seen.flowsOf(target).length > 0);
  expect(known).toEqual(["a.example", "c.example"]);
});

test("connections are kept by their name, or by their address if they have none", () => {
  const seen = createSeen(() => true);
  seen.decided(connectionOf("203.0.113.7", { protocol: 6, port: 5432 }));
  seen.decided(connectionOf("2001:db8::7", { protocol: 58, port: undefined }));
  seen.decided(connectionOf("203.0.113.8", { name: "a.example", protocol: 17, port: 123 }));
  const { flowsOf } = seen.targets();
  expect(flowsOf("203.0.113.7")).toEqual([tcp(5432)]);
  expect(flowsOf("2001:db8::7")).toEqual([{ protocol: "icmp", port: 0 }]);
  expect(flowsOf("a.example")).toEqual([{ protocol: "udp", port: 123 }]);
  expect(flowsOf("203.0.113.8")).toEqual([]);
});
