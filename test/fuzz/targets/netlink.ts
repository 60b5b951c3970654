import { readDestination } from "../../../src/netfilter/wire/conntrack.ts";
import { readCountedPackets } from "../../../src/netfilter/wire/named-counter.ts";
import { behindError, errnoAt, findError, readReplies, sequenceAt } from "../../../src/netlink/reader.ts";
import { readElements } from "../../../src/netfilter/wire/read-element.ts";
import { readAddressPrefix, readLink, readOnLinkRoute } from "../../../src/netlink/rtnetlink.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, readAnywhere, type Target } from "../engine/target.ts";

/**
 * A datagram of the kernel's: each reader of a message takes it for its own kind, none reads behind the end,
 * all end.
 */
export const netlink: Target = {
  name: "netlink",
  seeds: "netlink",
  make: (random) => Buffer.concat(Array.from({ length: 1 + random.below(3) }, () => makeMessage(random))),
  open: async () =>
    plainChecker(
      (input) => readAnywhere(input, (octets, start, end) => check(octets.subarray(start, end))).kind,
    ),
};

const READERS = [
  readDestination,
  readLink,
  readAddressPrefix,
  readOnLinkRoute,
  readElements,
  readCountedPackets,
] as const;

function check(datagram: Buffer): { kind: string; found: unknown } {
  const found: unknown[] = [];
  const errors: unknown[] = [];
  let kind = "nothing";
  for (const reply of readReplies(datagram)) {
    kind = reply.kind;
    if (reply.kind === "error") errors.push(reply);
    if (reply.kind !== "message") found.push(reply);
    else for (const read of READERS) found.push(render(read(reply.payload), datagram.length));
  }
  if (JSON.stringify(listErrors(datagram)) !== JSON.stringify(errors))
    throw new Error("errors are found that are not among the replies");
  return { kind, found };
}

/** What `awaitAcknowledgement` sees. */
function listErrors(datagram: Buffer): unknown[] {
  const errors: unknown[] = [];
  for (let at = findError(datagram, 0); at >= 0; at = findError(datagram, behindError(datagram, at))) {
    errors.push({ kind: "error", sequence: sequenceAt(datagram, at), errno: errnoAt(datagram, at) });
  }
  return errors;
}

function render(value: unknown, length: number): string {
  const text = JSON.stringify(value, (_key, item: unknown) => (item === undefined ? "none" : item)) ?? "none";
  if (text.length > 200 + 40 * length)
    throw new Error(`gives ${text.length} characters for ${length} octets`);
  return text;
}

function makeMessage(random: Random): Buffer {
  const head = Buffer.alloc(16);
  const body = Buffer.concat([random.octets(random.pick([4, 8, 12, 16])), makeAttributes(random, 3)]);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(random.pick([2, 3, 16, 20, 24, 0x0100, 0x0a0c]), 4);
  return Buffer.concat([head, body, Buffer.alloc(-body.length & 3)]);
}

function makeAttributes(random: Random, depth: number): Buffer {
  const attributes = Array.from({ length: 1 + random.below(3) }, () => {
    const value =
      depth > 0 && random.once(2)
        ? makeAttributes(random, depth - 1)
        : random.octets(random.pick([0, 1, 4, 8, 16, 20]));
    const head = Buffer.alloc(4);
    head.writeUInt16LE(4 + value.length, 0);
    head.writeUInt16LE(1 + random.below(7) + (random.once(2) ? 0x8000 : 0), 2);
    return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
  });
  return Buffer.concat(attributes);
}
