import { expect, test } from "vitest";
import { openSidecarVault } from "../../src/sidecar/sidecar-vault.ts";
import { isDumpable, setDumpable } from "../../src/sys/dumpable.ts";
import { createVaultParser } from "../../src/vault/request/parse-vault-request.ts";
import { compiledPolicy, valueOf } from "../support/policy.ts";

const quiet = (): void => undefined;

test("from the first credential on no core dump holds the sidecar's memory", async () => {
  const opened = openSidecarVault({}, { vaultChanged: quiet, vaultFault: quiet });
  const policy = compiledPolicy("deny");
  const control = opened.control({
    exclusively: async (task) => ({
      kind: "done",
      value: await task(policy, { narrow: async () => undefined, follow: async () => policy }),
    }),
  });
  const { parseRequest } = createVaultParser({ requireScopedMatch: false });
  const request = valueOf(parseRequest('{"credentials":[{"name":"gh","source":{"value":"s3cr3t"}}]}'));
  const was = isDumpable();
  setDumpable(true);
  try {
    expect((await control.create(request)).kind).toBe("done");
    expect(isDumpable()).toBe(false);
  } finally {
    setDumpable(was);
    opened.close();
  }
});
