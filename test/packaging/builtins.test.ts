/** What the bundle has in place of Node's own modules does what these do. */
import { isBuiltin } from "node:module";
import { createServer, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { renderBuiltin } from "../../packaging/builtins.ts";

async function load(id: string): Promise<Readonly<Record<string, unknown>>> {
  expect(isBuiltin(id)).toBe(true);
  return import(`data:text/javascript,${encodeURIComponent(renderBuiltin(id))}`);
}

/** As the bundled code has it: of any type. */
// oxlint-disable-next-line typescript/no-explicit-any -- what is asked of it is the test
const any = (value: unknown): any => value;

test.each(["node:net", "node:tls"])("a class of %s tells its instances, and makes them", async (id) => {
  const module = await load(id);
  const [name, real] = id === "node:net" ? ["Socket", Socket] : ["TLSSocket", TLSSocket];
  const taken = any(module[name]);
  const socket = id === "node:net" ? new Socket() : new TLSSocket(new Socket());
  expect(socket instanceof taken).toBe(true);
  expect(createServer() instanceof taken).toBe(false);
  expect(new taken(new Socket()) instanceof real).toBe(true);
});

test("a class that is loaded later keeps its prototype and what stands on it", async () => {
  const { X509Certificate, Hash } = await load("node:crypto");
  expect(() => new (any(X509Certificate))("none")).toThrow(/PEM|ASN|asn/);
  expect(Object.getOwnPropertyNames(any(X509Certificate).prototype)).toContain("validTo");
  expect(any(Hash).prototype).toBeDefined();
});

test("functions and constants that are loaded later are those of the module", async () => {
  const { createHash, constants } = await load("node:crypto");
  expect(any(createHash)("sha256").update("abc").digest("hex")).toMatch(/^ba7816bf/);
  expect(any(constants).TLS1_VERSION).toBe(0x0301);
});
