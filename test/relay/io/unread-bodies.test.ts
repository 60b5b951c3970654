/** Origins of HTTP/1.1 that answer without reading the body, and take it for their next request. */
import { expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { connectRaw, NAME, startRawOrigin, startRelay } from "./world.ts";

const SMUGGLED = `POST /store HTTP/1.1\r\nHost: ${NAME}\r\nContent-Length: 99\r\n\r\n`;
const REFUSED = "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LENGTH = { "content-length": String(SMUGGLED.length) };

const EXPECTATIONS = [{}, { expect: "100-continue" }];

test.each(EXPECTATIONS)("a body that comes behind the answer goes nowhere, from HTTP/2, %j", async (more) => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  const client = dialH2(relay.port);
  const stream = client.request(
    { ":method": "POST", ":path": "/a", ...LENGTH, ...more },
    { endStream: false },
  );
  let body = "";
  stream.on("data", (part: Buffer) => (body += part.toString()));
  stream.on("error", () => undefined);
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.write(REFUSED);
  await until("the answer is there", () => body === "no");
  if (stream.writable) stream.end(SMUGGLED);
  const next = askH2(client, { ":path": "/next" });
  const other = await origin.next();
  await other.has("GET /next ");
  other.socket.write(OK);
  expect((await next).status).toBe(200);
  expect(server.text()).not.toContain("/store");
  expect(server.text()).not.toContain("/next");
});

test("a body that came before the answer has no request behind it, from HTTP/2", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  const client = dialH2(relay.port);
  const asking = askH2(client, { ":method": "POST", ":path": "/a", ...LENGTH }, SMUGGLED);
  const server = await origin.next();
  await server.has("/store");
  await server.has(/99\r\n\r\n$/);
  server.socket.write(REFUSED);
  expect((await asking).status).toBe(401);
  const next = askH2(client, { ":path": "/next" });
  const other = await origin.next();
  await other.has("GET /next ");
  other.socket.write(OK);
  expect((await next).status).toBe(200);
  expect(server.text()).not.toContain("/next");
});

test.each([
  ["behind the answer", "", false],
  ["behind the answer, which was to be waited for", "Expect: 100-continue\r\n", false],
  ["before the answer", "", true],
])("a body that comes %s has no request behind it, from HTTP/1.1", async (_, more, isEarly) => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(
    `POST /a HTTP/1.1\r\nHost: ${NAME}\r\nContent-Length: ${SMUGGLED.length}\r\n${more}\r\n`,
  );
  if (isEarly) client.socket.write(SMUGGLED);
  const server = await origin.next();
  await server.has(isEarly ? /99\r\n\r\n$/ : "\r\n\r\n");
  server.socket.write(REFUSED);
  await client.has(/no$/);
  expect(client.text()).toContain("Connection: close\r\n");
  client.socket.write(`${isEarly ? "" : SMUGGLED}GET /next HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
  await until("the connection is closed", () => server.state.isClosed && client.closed());
  expect(server.text()).not.toContain("/next");
  expect(server.text().includes("/store")).toBe(isEarly);
});

test("a body that no server takes for a request keeps the connection, over both versions", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  for (const round of [1, 2]) {
    client.socket.write(`POST /${round} HTTP/1.1\r\nHost: ${NAME}\r\nContent-Length: 7\r\n\r\n{"a":1}`);
    const server = origin.connections[0] ?? (await origin.next());
    await server.has(new RegExp(`/${round} [^]*\\{"a":1\\}$`));
    server.socket.write(OK);
    await until("it is answered", () => client.text().split("ok").length === round + 1);
  }
  expect(client.text()).not.toContain("close");
  expect(relay.dialled()).toBe(1);
});
