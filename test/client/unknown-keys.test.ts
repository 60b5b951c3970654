import { expect, test } from "vitest";
import { createEgressClient, type EgressClient, UnknownKeyError } from "../../src/client/client.ts";
import { startApi } from "../api/api-server.ts";

/** An input as JavaScript lets it through, and the types do not. */
function loose(input: object): never {
  // oxlint-disable-next-line no-unsafe-type-assertion -- to get past the types is what it is for
  return input as never;
}

test.each([
  [
    "rules[0].methods",
    (client: EgressClient) => client.patchRules([loose({ target: "a.example", methods: ["GET"] })]),
  ],
  ["policy.rules", (client: EgressClient) => client.replacePolicy(loose({ rules: [] }))],
  [
    "policy.egress[1].note",
    (client: EgressClient) =>
      client.replacePolicy({
        egress: [{ target: "a.example" }, loose({ target: "b.example", note: "x" })],
      }),
  ],
  ["options.dryrun", (client: EgressClient) => client.deleteRules(["example.org"], loose({ dryrun: true }))],
  ["options.dryrun", (client: EgressClient) => client.resetPolicy(loose({ dryrun: true }))],
  ["options.page", (client: EgressClient) => client.getStatus(loose({ page: 2 }))],
])("sends nothing where it was given a key that nobody knows: %s", async (path, call) => {
  await using api = await startApi();
  const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${api.port}` } });
  const error = await call(client).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(UnknownKeyError);
  expect(error).toMatchObject({ path, message: expect.stringContaining("nothing was sent") });
  expect(api.world.steps).toEqual([]);
});
