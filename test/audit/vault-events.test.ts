import { expect, test } from "vitest";
import { createMemoryLog } from "./memory-log.ts";

test("a write of the vault is told by names, and what only the default action allows is a warning", async () => {
  const { log, lines } = createMemoryLog();
  const names = Array.from({ length: 101 }, (_, n) => `c${n}`);
  log.audit.vaultChanged({
    kind: "created",
    revision: 1,
    credentials: names,
    bindings: ["b"],
    allowedByDefault: ["b"],
  });
  expect(await lines()).toMatchObject([
    {
      level: "info",
      "opensandbox.event": "egress.vault_created",
      revision: 1,
      credentials: names.slice(0, 100),
      bindings: ["b"],
    },
    { level: "warn", "opensandbox.event": "egress.vault_by_default", bindings: ["b"] },
  ]);
});

test("a fault is an error with its reason, and its end is told", async () => {
  const { log, lines } = createMemoryLog();
  const fault = { what: "credential", name: "gh", sourceType: "command" } as const;
  log.audit.vaultFault({ ...fault, reason: "the command ended with status 1" });
  log.audit.vaultFault({ what: "binding", name: "b", reason: undefined });
  expect(await lines()).toMatchObject([
    {
      level: "error",
      "opensandbox.event": "egress.vault_fault",
      credential: "gh",
      source: "command",
      reason: "the command ended with status 1",
    },
    { level: "info", "opensandbox.event": "egress.vault_fault", binding: "b" },
  ]);
});
