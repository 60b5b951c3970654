import { expect, test } from "vitest";
import { createEgressClient } from "../../src/client/client.ts";
import { startApi } from "../api/api-server.ts";
import { policyOf } from "../support/policy.ts";

const DB = { action: "allow", target: "db.example.org", ports: [5432] } as const;
const WEB = {
  action: "allow",
  target: "db.example.org",
  ports: [443, "8000-8080"],
  protocol: "tcp",
} as const;
const MAIL = { action: "deny", ports: [25] } as const;

async function startSidecar() {
  const api = await startApi({ policy: policyOf({ egress: [DB, WEB, MAIL] }) });
  const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${api.port}` } });
  const egress = async () => (await client.getPolicy()).policy.egress;
  return { ...api, client, egress };
}

test("the client reads rules with ports as they were sent, and sends them", async () => {
  await using sidecar = await startSidecar();
  const { client, egress } = sidecar;
  expect(await egress()).toEqual([DB, WEB, MAIL]);
  await client.patchRules([{ action: "deny", target: "db.example.org", ports: ["5432"] }]);
  expect(await egress()).toEqual([{ ...DB, action: "deny", ports: ["5432"] }, WEB, MAIL]);
  await client.replacePolicy({ egress: [MAIL, { action: "allow", protocol: "icmp" }] });
  expect(await egress()).toEqual([MAIL, { action: "allow", protocol: "icmp" }]);
});

test("it deletes one rule by an object, and every rule of a target by its name", async () => {
  await using sidecar = await startSidecar();
  const { client, egress } = sidecar;
  const dry = await client.deleteRules([{ target: "db.example.org", ports: [5432] }], { dryRun: true });
  expect(dry).toMatchObject({ removed: [DB], added: [] });
  await client.deleteRules([{ target: "db.example.org", ports: [5432] }, { ports: [25] }]);
  expect(await egress()).toEqual([WEB]);
  const none = await client.deleteRules([{ target: "db.example.org", ports: [5432] }]);
  expect(none).toMatchObject({ reason: "no matching targets found" });
  await client.deleteRules(["db.example.org"]);
  expect(await egress()).toEqual([]);
});

test("a target that came out undefined is not sent as every destination", async () => {
  await using sidecar = await startSidecar();
  const { client } = sidecar;
  // oxlint-disable-next-line no-unsafe-type-assertion -- JavaScript lets it through, and the types do not
  const spoilt = { target: undefined, ports: [25] } as never;
  await expect(client.deleteRules([spoilt])).rejects.toThrow(/targets\[0\]\.target is undefined/);
  await expect(client.patchRules([spoilt])).rejects.toThrow(/rules\[0\]\.target is undefined/);
  expect(sidecar.world.steps).toEqual([]);
});

test("it hears which port is none, and where it stands", async () => {
  await using sidecar = await startSidecar();
  const change = sidecar.client.patchRules([{ action: "allow", target: "a.example", ports: [443, 0] }]);
  await expect(change).rejects.toMatchObject({
    status: 400,
    problems: [{ path: "[0].ports[1]", message: expect.stringContaining("0 is no port") }],
  });
});
