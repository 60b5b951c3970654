/**
 * Runs in the sandbox's namespace, beside the ruleset that is in force: the interceptor with the kernel's
 * part, and stand-ins for what the rest of the sidecar says. The JSON file that is its argument says which
 * names are bound, allowed, and given where. The relay's stand-in passes on what it reads, with one field
 * more in the first head of HTTP/1.1.
 */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createSecureContext } from "node:tls";
import { z } from "zod";
import { createBoundAddresses } from "../../src/intercept/bound-addresses.ts";
import { UpstreamError } from "../../src/intercept/errors.ts";
import { flowBoundsFor } from "../../src/intercept/flow-bounds.ts";
import { connectDirectly } from "../../src/intercept/io/direct.ts";
import { openInterceptor } from "../../src/intercept/io/interceptor.ts";
import type { InterceptedConnection } from "../../src/intercept/io/serve-flow.ts";
import { openBoundSet } from "../../src/netfilter/io/bound-set.ts";
import { openInterceptRedirect } from "../../src/netfilter/io/intercept-redirect.ts";
import { parseAddress, renderAddress } from "../../src/policy/address.ts";
import { MARKS } from "../netfilter/ruleset-input.ts";
import { nameOf, valueOf } from "../support/policy.ts";

const facts = z
  .object({
    bound: z.array(z.string()),
    allowed: z.array(z.string()),
    given: z.array(z.object({ name: z.string(), address: z.string() })),
    leaves: z.record(z.string(), z.object({ key: z.string(), cert: z.string() })),
    ca: z.string(),
  })
  .parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
const say = (line: object): void => console.log(JSON.stringify(line));

const set = openBoundSet();
const bound = createBoundAddresses(set);
for (const { name, address } of facts.given) {
  const { octets } = valueOf(parseAddress(address));
  bound.give(nameOf(name), octets, 0, octets.length);
}
bound.commit();

async function relay({ client, protocol, flow, connectUpstream }: InterceptedConnection): Promise<void> {
  client.on("error", () => undefined);
  say({ event: "relayed", name: flow.name, scheme: flow.scheme, protocol });
  try {
    const host = await connectUpstream({ protocols: [protocol] });
    const upward = protocol === "h2" ? new PassThrough() : injecting();
    await Promise.all([pipeline(client, upward, host.socket), pipeline(host.socket, client)]);
  } catch (error) {
    if (error instanceof UpstreamError)
      say({ event: "not-reached", code: error.code, message: error.message });
    client.end("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }
}

function injecting(): Transform {
  let isFirst = true;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = chunk.toString("latin1");
      done(null, Buffer.from(isFirst ? text.replace("\r\n", "\r\nX-Injected: yes\r\n") : text, "latin1"));
      isFirst = false;
    },
  });
}

const leaves = new Map(Object.entries(facts.leaves).map(([name, leaf]) => [name, createSecureContext(leaf)]));
const { group } = MARKS;
const interceptor = openInterceptor({
  group,
  below: randomInt,
  isAllowed: (name) => facts.allowed.includes(name),
  isBound: (name) => facts.bound.includes(name),
  isRuled: () => false,
  wasGiven: bound.wasGiven,
  findLeaf: (name) => leaves.get(name),
  connect: connectDirectly(MARKS),
  trust: createSecureContext({ ca: facts.ca }),
  relay,
  bounds: flowBoundsFor(undefined),
  onShed: ({ name }) => say({ event: "shed", name }),
  onRefused: ({ octets, ...refused }) =>
    say({ event: "refused", ...refused, address: renderAddress(octets) }),
  onFault: (message, error) => say({ event: "fault", message, error: String(error) }),
});
openInterceptRedirect({ port: interceptor.port, group });
say({ event: "ready", port: interceptor.port });
