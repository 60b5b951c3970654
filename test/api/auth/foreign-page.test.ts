/** A page of another site makes a person's browser send a change, as a form or by fetch without a preflight. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startApi } from "../api-server.ts";

const BODY = '[{"action":"allow","target":"one.example.org"}]';
const FOREIGN = [
  "http://elsewhere.example.org",
  "http://192.0.2.2",
  "null",
  "https://192.0.2.2:18080.example.org",
];
const OWN = ["http://192.0.2.2:18080", "https://192.0.2.2:18080", undefined];

function headersOf(origin: string | undefined): Record<string, string> {
  const type = { "Content-Type": "text/plain", Host: "192.0.2.2:18080" };
  return origin === undefined ? type : { ...type, Origin: origin };
}

test.each(["PATCH", "POST", "PUT", "DELETE"])(
  "where no token is set its %s is refused, and nothing is done",
  async (method) => {
    await using api = await startApi({ door: "outside" });
    for (const origin of FOREIGN) {
      const answer = await api.call(method, "/policy", { headers: headersOf(origin), body: BODY });
      expect(answer).toMatchObject({ status: 401, text: expect.stringContaining("a page of another site") });
    }
    expect(api.world.steps).toEqual([]);
  },
);

test.each(OWN)("a change of our own page, or of no page, is made: %s", async (origin) => {
  await using api = await startApi({ door: "outside" });
  expect(await api.call("PATCH", "/policy", { headers: headersOf(origin), body: BODY })).toMatchObject({
    status: 200,
  });
});

test("over the unix socket, which somebody may have forwarded to a port of his own machine, the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-api-"));
  try {
    const socketPath = join(folder, "egress.sock");
    await using api = await startApi({ socketPath, auth: { token: "s3cret", allowLocalWrites: false } });
    for (const [origins, status] of [
      [FOREIGN, 401],
      [OWN, 200],
    ] as const) {
      for (const origin of origins) {
        const answer = await api.call("PATCH", "/policy", { headers: headersOf(origin), body: BODY });
        expect(answer.status).toBe(status);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("who sends the token is heard, whatever page he is", async () => {
  await using api = await startApi({ auth: { token: "s3cret", allowLocalWrites: false } });
  const headers = { ...headersOf("http://elsewhere.example.org"), Authorization: "Bearer s3cret" };
  expect(await api.call("PATCH", "/policy", { headers, body: BODY })).toMatchObject({ status: 200 });
});
