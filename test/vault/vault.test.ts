import { expect, test } from "vitest";
import { createVaultCell } from "../../src/vault/vault.ts";
import { NO_VAULT } from "../../src/vault/vault-in-force.ts";
import { qname } from "../support/policy.ts";
import { binding, vaultOf } from "./make-vault.ts";

test("a change is seen by the next request, and told with what it replaced", () => {
  const vault = createVaultCell();
  const heard: unknown[] = [];
  const end = vault.subscribe((after, before) => heard.push([after, before]));
  const first = vaultOf(binding("b", { hosts: ["api.example.org"] }));
  vault.write(first);
  expect(vault.inForce().isBoundHost(qname("api.example.org"))).toBe(true);
  expect(heard).toEqual([[first, NO_VAULT]]);
  end();
  vault.write(NO_VAULT);
  expect(heard).toHaveLength(1);
  expect(vault.inForce()).toBe(NO_VAULT);
});

test("what used a deleted credential finds that it has gone", () => {
  const vault = createVaultCell();
  const used = binding("b", { hosts: ["api.example.org"] });
  vault.write(vaultOf(used));
  const has = (): boolean => used.credentialIds.every((id) => vault.inForce().hasCredential(id));
  expect(has()).toBe(true);
  vault.write(NO_VAULT);
  expect(has()).toBe(false);
});
