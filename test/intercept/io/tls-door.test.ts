/** Handshakes by which a client is taken for a bound name: OpenSSL reads the hello behind us. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connect, createSecureContext, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { createTlsDoor, type FindLeaf } from "../../../src/intercept/io/tls-door.ts";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import { nameOf } from "../../support/policy.ts";

const NAME = nameOf("api.example.org");
const authority = createOriginAuthority();
const leaf = createSecureContext(authority.issue([NAME]));
const leafOfName: FindLeaf = (name) => (name === NAME ? leaf : undefined);

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

/** A client that shows a name, received as one that has shown `NAME` to us. */
async function receiveWho(servername: string, findLeaf: FindLeaf = leafOfName): Promise<TLSSocket> {
  const door = createTlsDoor(findLeaf);
  const server = createServer({ allowHalfOpen: true });
  const { promise, resolve } = Promise.withResolvers<Socket>();
  server.on("connection", resolve);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  undo.defer(() => void server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
  client.on("error", () => undefined);
  undo.defer(() => void client.destroy());
  const socket = await promise;
  socket.on("error", () => undefined);
  undo.defer(() => void socket.destroy());
  return door.receive(socket, NAME);
}

test.each(["api.example.org", "API.Example.ORG"])("%s is the name", async (shown) => {
  await expect(receiveWho(shown)).resolves.toMatchObject({ servername: shown });
});

test.each(["api.example.org.", "other.example.org", "api.example.org\u212a", "192.0.2.1."])(
  "%s is another, or none",
  async (shown) => {
    await expect(receiveWho(shown)).rejects.toThrow("there is no certificate for the name");
  },
);

test("a name that has a certificate, but is not the one that was read before, is not received", async () => {
  await expect(receiveWho("other.example.org", () => leaf)).rejects.toThrow(
    "another name than it did at first",
  );
});
