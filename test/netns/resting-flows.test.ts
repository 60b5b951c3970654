/**
 * Protocols that are neither TLS nor HTTP, at the address of an allowed name: once their client has begun
 * nobody waits for the reader any more, so that they may rest, and outlive it. What has ended is not kept.
 */
import { expect, test } from "vitest";
import type { Sidecar } from "../support/sidecar.ts";
import { startNamedSites } from "../support/named-sites.ts";
import { type Connection, openConnection } from "../support/speaker.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const ADDRESS = "198.51.100.50";
const NAME = "good.shared.example.org";
const lab = useLab({ zone: { [NAME]: { addresses: [ADDRESS] } }, upstream: { ttlSeconds: 300 } });

const LOGINS = [
  ["MySQL", "8d00000185a6ff1900000001ff"],
  ["MongoDB", "f00000000100000000000000dd070000000000000000"],
  ["AMQP", "414d515000000901"],
  ["LDAP", "300c020101600702010304008000"],
] as const;

async function flowsOf({ api }: Sidecar): Promise<number> {
  const { text } = await api("GET", "/metrics");
  return Number(/^egress_names_flows\S* (\d+)/m.exec(text)?.[1] ?? NaN);
}
async function begin(octets: Buffer, port: number): Promise<Connection> {
  const connection = await openConnection(lab, ADDRESS, port);
  connection.client.send(octets);
  await until("the server has the login", () => connection.server.heard().length === octets.length);
  connection.server.send(Buffer.from("welcome"));
  await until("the client has the answer", () => connection.client.heard().length > 0);
  return connection;
}

test("logins of other protocols need no reader once they are acknowledged", async () => {
  await using sidecar = await lab.startSidecar({ policy: { egress: [{ action: "allow", target: NAME }] } });
  await lab.dig(NAME, "A");
  await using held = new AsyncDisposableStack();
  const connections: Connection[] = [];
  for (const [index, [, login]] of LOGINS.entries())
    connections.push(held.use(await begin(Buffer.from(login, "hex"), 3306 + index)));
  await until("none is waited for", async () => (await flowsOf(sidecar)) === 0);
  process.kill(sidecar.pid, "SIGSTOP");
  try {
    for (const [index, { client, server }] of connections.entries()) {
      client.send(Buffer.from("query"));
      await until(`${LOGINS[index]?.[0]} goes on`, () => server.heard().toString("latin1").endsWith("query"));
    }
    expect(connections.some(({ client }) => client.hasEnded())).toBe(false);
  } finally {
    process.kill(sidecar.pid, "SIGCONT");
  }
});

test("connections of HTTP leave the reader once both sides have ended them", async () => {
  await using sidecar = await lab.startSidecar({ policy: { egress: [{ action: "allow", target: NAME }] } });
  await lab.dig(NAME, "A");
  await using sites = await startNamedSites(lab);
  const url = `http://${NAME}:8090/`;
  await using resting = await begin(Buffer.from(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`), 8091);
  expect(await flowsOf(sidecar)).toBe(1);
  const to = ["--resolve", `${NAME}:8090:${ADDRESS}`];
  for (const closing of ["keep-alive", "close"])
    await lab.asWorkload(["curl", "-sS", ...to, "-H", `Connection: ${closing}`, url, url]);
  expect(sites.lines.filter(({ event }) => event === "http")).toHaveLength(4);
  await until("they have left", async () => (await flowsOf(sidecar)) === 1);
  expect(resting.client.hasEnded()).toBe(false);
});
