import { expect, test } from "vitest";
import { createEgressClient } from "../../src/client/client.ts";
import { startVaultApi, TOKEN, VALUE, type VaultApi } from "../api/vault/vault-api.ts";

function clientOf({ api }: VaultApi, proof: "signature" | "token") {
  return createEgressClient({ endpoint: { url: `http://127.0.0.1:${api.port}` }, token: TOKEN, proof });
}

test.each(["signature", "token"] as const)(
  "the client makes, changes and deletes a vault, by %s",
  async (proof) => {
    await using server = await startVaultApi();
    const client = clientOf(server, proof);
    await expect(client.getVault()).rejects.toMatchObject({ status: 404, code: "vault-not-found" });
    const created = await client.createVault({
      credentials: [{ name: "gh", source: { value: VALUE } }],
      bindings: [
        { name: "b", match: { hosts: ["api.example.org"] }, auth: { type: "bearer", credential: "gh" } },
      ],
    });
    expect(created).toMatchObject({ revision: 1, bindings: [{ name: "b" }] });
    expect(await client.getVault()).toEqual(created);
    expect(await client.patchVault({ expectedRevision: 1, bindings: { delete: ["b"] } })).toMatchObject({
      revision: 2,
      bindings: [],
    });
    await expect(client.patchVault({ expectedRevision: 1 })).rejects.toMatchObject({
      status: 409,
      code: "vault-revision",
    });
    await client.deleteVault();
    await expect(client.deleteVault()).rejects.toMatchObject({ status: 404, code: "vault-not-found" });
  },
);

test("a key that the API does not know is refused with its place", async () => {
  await using server = await startVaultApi();
  const vault = { credentials: [{ name: "gh", source: { value: VALUE, ttl: 5 } }] };
  const error: unknown = await clientOf(server, "token")
    .createVault(vault)
    .catch((failure: unknown) => failure);
  expect(error).toMatchObject({
    status: 400,
    code: "invalid-vault",
    problems: [{ path: "credentials[0].source", message: 'has the unknown field "ttl"' }],
  });
});
