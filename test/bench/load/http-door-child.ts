/**
 * The relay as the sidecar has it, with a certificate for each name and secrets taken out of answers:
 * `PLAN ORIGIN-PORT BUNDLE`. It writes its roots to the file BUNDLE. Tells its port in a line of JSON.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { createSecureContext, createServer } from "node:tls";
import { createAuthority } from "../../../src/certificates/authority.ts";
import type { FlowIdentity } from "../../../src/intercept/flow-identity.ts";
import { createConnectUpstream } from "../../../src/intercept/io/upstream.ts";
import { createLineRooms } from "../../../src/relay/io/line-rooms.ts";
import { relayConnection } from "../../../src/relay/io/relay-connection.ts";
import { createSessionRooms } from "../../../src/relay/io/session-rooms.ts";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { keepMemorySmall } from "../../../src/sidecar/keep-memory.ts";
import { runInSlices } from "../../../src/sys/in-slices.ts";
import { raiseMmapThreshold } from "../../../src/sys/process-memory.ts";
import { createVaultCell } from "../../../src/vault/vault.ts";
import { nameOf } from "../../support/policy.ts";
import { binding, vaultOf } from "../../vault/make-vault.ts";
import { FRESH_BASE, HTTP_NAME, type HttpPlan } from "./http-plan.ts";

raiseMmapThreshold();
const [plan = "", origin = "", bundle = ""] = process.argv.slice(2);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const { ca } = JSON.parse(readFileSync(plan, "utf8")) as HttpPlan;
const trust = createSecureContext({ ca });
const authority = createAuthority(Date.now);
authority.cover([HTTP_NAME, `*.${FRESH_BASE}`]);
writeFileSync(bundle, authority.bundle());
const vault = createVaultCell();
vault.write(vaultOf(binding("token", { hosts: [HTTP_NAME, `*.${FRESH_BASE}`] })));
const shared = {
  vault,
  rooms: createSessionRooms(),
  lineRooms: createLineRooms(),
  findChange: createFindChange(undefined, runInSlices),
};
const silent = (): void => undefined;

const server = createServer(
  {
    ALPNProtocols: ["http/1.1"],
    SNICallback: (name, done) => done(null, authority.leafFor(name)?.context),
  },
  (client) => {
    const name = typeof client.servername === "string" ? client.servername : "";
    const destination = { address: "127.0.0.1", port: 443 };
    const flow: FlowIdentity = { name: nameOf(name), scheme: "https", destination };
    const connectUpstream = createConnectUpstream(flow, {
      trust,
      connect: async () => connect(Number(origin), "127.0.0.1"),
    });
    const tell = { refused: silent, injected: silent, cut: silent };
    void relayConnection({ client, protocol: "http/1.1", flow, connectUpstream, tell, ...shared });
  },
);
keepMemorySmall(() => 0);
server.listen(0, "127.0.0.1", () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  process.stdout.write(`${JSON.stringify([(server.address() as AddressInfo).port])}\n`);
});
