/** CONNECT is a method that no call has: it is refused as others are, in the same order of checks. */
import { expect, test } from "vitest";
import { connectRaw, sendRaw, startApi } from "../api-server.ts";

const TOKEN = { token: "secret", allowLocalWrites: false };

const send = (port: number, head: string): Promise<string> => sendRaw(port, `${head}\r\nHost: x\r\n\r\n`);

test("of a path it is 401 without the token, and 405 with the methods that there are", async () => {
  await using api = await startApi({ auth: TOKEN });
  expect(await send(api.port, "CONNECT /policy HTTP/1.1")).toMatch(/^HTTP\/1\.1 401 .*\r\n\r\nunauthorized/s);
  const proved = await send(api.port, "CONNECT /policy HTTP/1.1\r\nOPENSANDBOX-EGRESS-AUTH: secret");
  expect(proved).toMatch(/^HTTP\/1\.1 405 /);
  expect(proved).toMatch(/\r\nallow: GET, POST, PUT, PATCH, DELETE\r\n/i);
  expect(proved).toMatch(/\r\n\r\nmethod not allowed$/);
  expect(await send(api.port, "CONNECT /nowhere HTTP/1.1")).toMatch(/^HTTP\/1\.1 404 /);
  expect(await send(api.port, "CONNECT /healthz HTTP/1.1")).toMatch(/^HTTP\/1\.1 405 .*allow: GET, HEAD/is);
  expect(api.errors).toEqual([]);
});

test("of a host it is 405: nothing is passed on, and no method is allowed there", async () => {
  await using api = await startApi({ auth: TOKEN });
  expect(await send(api.port, "CONNECT example.org:443 HTTP/1.1")).toMatch(
    /^HTTP\/1\.1 405 .*\r\nAllow:\r\n\r\nmethod not allowed$/s,
  );
});

test("behind a request on the same connection it waits for that one's answer", async () => {
  await using api = await startApi();
  const answers = await send(api.port, "GET /policy HTTP/1.1\r\nHost: x\r\n\r\nCONNECT /policy HTTP/1.1");
  expect(answers).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 405 /s);
});

test("a caller that resets the connection meanwhile ends nothing but that", async () => {
  await using api = await startApi({ auth: TOKEN });
  for (let tries = 0; tries < 20; tries++) {
    const { socket } = await connectRaw(api.port);
    socket.write("CONNECT /policy HTTP/1.1\r\nHost: x\r\n\r\n", () => socket.resetAndDestroy());
  }
  expect(await send(api.port, "CONNECT /policy HTTP/1.1")).toMatch(/^HTTP\/1\.1 401 /);
});
