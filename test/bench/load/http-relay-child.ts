/**
 * The relay as a process of its own, with the sidecar's settings of malloc and V8, before an origin: `PLAN
 * H1-PORT H2-PORT`. Tells its ports in a line of JSON.
 */
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { createSecureContext, createServer } from "node:tls";
import { createConnectUpstream } from "../../../src/intercept/io/upstream.ts";
import type { FlowIdentity, HttpProtocol } from "../../../src/intercept/flow-identity.ts";
import { relayConnection } from "../../../src/relay/io/relay-connection.ts";
import { createLineRooms } from "../../../src/relay/io/line-rooms.ts";
import { createSessionRooms } from "../../../src/relay/io/session-rooms.ts";
import { keepMemorySmall } from "../../../src/sidecar/keep-memory.ts";
import { raiseMmapThreshold } from "../../../src/sys/process-memory.ts";
import { createVaultCell } from "../../../src/vault/vault.ts";
import { nameOf } from "../../support/policy.ts";
import { binding, vaultOf } from "../../vault/make-vault.ts";
import { HTTP_NAME, type HttpPlan } from "./http-plan.ts";

raiseMmapThreshold();
const [plan = "", h1 = "", h2 = ""] = process.argv.slice(2);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const { ca, certificate } = JSON.parse(readFileSync(plan, "utf8")) as HttpPlan;
const trust = createSecureContext({ ca });
const vault = createVaultCell();
vault.write(vaultOf(binding("token", { hosts: [HTTP_NAME] })));
const flow: FlowIdentity = {
  name: nameOf(HTTP_NAME),
  scheme: "https",
  destination: { address: "127.0.0.1", port: 443 },
};
const rooms = createSessionRooms();
const lineRooms = createLineRooms();
const silent = (): void => undefined;

async function listen(protocol: HttpProtocol, origin: number): Promise<number> {
  const server = createServer({ ...certificate, ALPNProtocols: [protocol] }, (client) => {
    const connectUpstream = createConnectUpstream(flow, {
      trust,
      connect: async () => connect(origin, "127.0.0.1"),
    });
    const tell = { refused: silent, injected: silent, cut: silent };
    void relayConnection({ client, protocol, flow, vault, connectUpstream, tell, rooms, lineRooms });
  });
  return new Promise((done) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port));
  });
}

keepMemorySmall(() => 0);
const ports = [await listen("http/1.1", Number(h1)), await listen("h2", Number(h2))];
process.stdout.write(`${JSON.stringify(ports)}\n`);
