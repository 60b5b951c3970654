/** Posts to servers that answer oddly: each one settles, for the next one waits for it. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createPoster } from "../../../src/outbound/io/poster.ts";

async function postTo(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.write(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const poster = await createPoster({
    url: new URL(`http://127.0.0.1:${port}/`),
    contentType: "application/json",
    userAgent: "test",
    connect: async (): Promise<Socket> => connect(port, "127.0.0.1"),
  });
  try {
    return await poster.post("{}", new AbortController().signal);
  } finally {
    poster.close();
    server.close();
  }
}

test.each([
  ["an answer with a body", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200],
  ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101],
  ["a body that is far too long", `HTTP/1.1 503 Busy\r\n\r\n${"x".repeat(1 << 18)}`, 503],
  ["two answers", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Wrong\r\n\r\n", 204],
])("%s settles with its status", async (_case, answer, status) => {
  expect(await postTo(answer)).toBe(status);
});

test("what is no HTTP rejects", async () => {
  await expect(postTo("\0\0\0\0")).rejects.toThrow("Parse Error");
});
