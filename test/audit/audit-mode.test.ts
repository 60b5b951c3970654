import { expect, test } from "vitest";
import { connectionOf, lookupOf } from "../support/decisions.ts";
import { nameOf } from "../support/policy.ts";
import { createMemoryLog } from "./memory-log.ts";

const HOST = nameOf("www.example.org");
const DENIED = lookupOf("x.example.com", { decision: "denied", rcode: 3, layer: "default" });

test("what audit mode has let through is an event of its own, at every level, and every line says that it is on", async () => {
  const { log, lines } = createMemoryLog({ logLevel: "error", sandboxId: "sbx-1" });
  log.audit.auditModeChanged(true);
  const lookup = lookupOf(HOST, { decision: "audited", rule: "*.example.org", addresses: ["192.0.2.1"] });
  log.audit.decided(lookup);
  log.audit.decided(connectionOf("198.51.100.7", { decision: "audited" }));
  log.audit.decided(DENIED);
  log.audit.auditModeChanged(false);
  log.audit.auditModeChanged(false);
  log.audit.decided(DENIED);
  const event = "opensandbox.event";
  const inAudit = { audit: true, sandbox_id: "sbx-1", level: "warn" };
  const audited = { ...inAudit, [event]: "egress.audited", decision: "audited" };
  const written = await lines();
  expect(written).toMatchObject([
    { ...inAudit, [event]: "egress.audit_mode", enabled: true },
    { ...audited, msg: "lookup audited", rule: "*.example.org", "target.ips": ["192.0.2.1"] },
    { ...audited, msg: "connection audited", "target.ips": ["198.51.100.7"] },
    { ...inAudit, [event]: "egress.denied", msg: "lookup denied" },
    { [event]: "egress.audit_mode", enabled: false },
    { [event]: "egress.denied", msg: "lookup denied", sandbox_id: "sbx-1" },
  ]);
  expect(written.filter((line) => "audit" in line)).toHaveLength(4);
});

test("past their bound audited lookups are counted apart from denied ones", async () => {
  const { log, lines } = createMemoryLog({ lookupLinesPerSecond: 1 });
  for (let count = 0; count < 250; count += 1) log.audit.decided(lookupOf(HOST, { decision: "audited" }));
  log.audit.decided(DENIED);
  const written = await lines();
  expect(written).toContainEqual(expect.objectContaining({ msg: "lookup denied" }));
  const counted = { "opensandbox.event": "egress.audited", msg: "lookups audited", count: 50 };
  expect(written.at(-1)).toMatchObject({ ...counted, "target.host": HOST });
});
