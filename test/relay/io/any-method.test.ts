/** A binding that is for any method. */
import { expect, test } from "vitest";
import { request } from "../gate/payloads.ts";
import { binding, vaultOf } from "../../vault/make-vault.ts";
import { connectRaw, NAME, SECRET, startRawOrigin, startRelay } from "./world.ts";

const HOST = `Host: ${NAME}`;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function meet() {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  relay.vault.write(vaultOf(binding("any", { hosts: [NAME], methods: ["*"] })));
  return { origin, relay, client: await connectRaw(relay.port) };
}

test.each(["PROPFIND", "PURGE", "brew"])("has its secret in a request of the method %s", async (method) => {
  const { client, origin } = await meet();
  client.socket.write(request(`${method} / HTTP/1.1`, HOST));
  expect(await (await origin.next()).has("\r\n\r\n")).toContain(`Authorization: Bearer ${SECRET}`);
});

test.each([
  ["TRACE", 403],
  ["DELETE, track", 403],
  ["GE T", 403],
  ["", 403],
  ["PURGE", 200],
])("an override of the method is judged as a request line is: %s", async (override, status) => {
  const { client, relay, origin } = await meet();
  client.socket.write(request("POST / HTTP/1.1", HOST, `X-HTTP-Method-Override: ${override}`));
  if (status === 200) (await origin.next()).socket.write(OK);
  await client.has(`HTTP/1.1 ${status} `);
  expect(relay.dialled()).toBe(status === 200 ? 1 : 0);
});
