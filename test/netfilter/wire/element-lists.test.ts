/** Lists of set elements as messages, read back by the layout in linux/netfilter/nf_tables.h. */
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { expect, test } from "vitest";
import { createElementLists } from "../../../src/netfilter/wire/element-lists.ts";
import { createNetlinkWriter } from "../../../src/netlink/writer.ts";

const SETS = [
  { table: "t", set: "one" },
  { table: "t", set: "two" },
] as const;
const HEADERS = 20;
const VERBS: Readonly<Record<number, Step["verb"]>> = {
  [0x0a0c]: "add",
  [0x0a0e]: "delete",
  [0x0a1e]: "destroy",
};

interface Step {
  readonly verb: "add" | "delete" | "destroy";
  readonly set: 0 | 1;
  readonly key: number;
}

function write(steps: readonly Step[], comment: string): Buffer {
  const writer = createNetlinkWriter(64);
  let sequence = 0;
  const lists = createElementLists(writer, () => ++sequence);
  for (const { verb, set, key } of steps) {
    const octets = Uint8Array.of(key >> 8, key & 255);
    if (verb === "add") lists.add(SETS[set], { key: octets, timeoutMs: 1000, comment });
    else lists[verb](SETS[set], octets);
  }
  lists.close();
  lists.close();
  return Buffer.from(writer.written());
}

/** What each message says, and how long its list is. */
function read(octets: Buffer): { readonly steps: Step[]; readonly listOctets: number }[] {
  const messages = [];
  for (let at = 0; at < octets.length; at += octets.readUInt32LE(at)) {
    const [, set, list] = attributes(octets.subarray(at + HEADERS, at + octets.readUInt32LE(at)));
    const verb = VERBS[octets.readUInt16LE(at + 4)];
    if (verb === undefined) throw new TypeError("no message of set elements");
    const keys = attributes(list ?? octets).map((element) => element.readUInt16BE(8));
    const index = set?.toString("latin1") === "one\0" ? 0 : 1;
    messages.push({
      steps: keys.map((key): Step => ({ verb, set: index, key })),
      listOctets: list?.length ?? 0,
    });
  }
  return messages;
}
function attributes(octets: Buffer): Buffer[] {
  const found = [];
  for (let at = 0; at < octets.length; at += (octets.readUInt16LE(at) + 3) & ~3)
    found.push(octets.subarray(at + 4, at + octets.readUInt16LE(at)));
  return found;
}

const anyStep = record({
  verb: constantFrom("add", "delete", "destroy"),
  set: constantFrom(0, 1),
  key: integer({ min: 0, max: 0xffff }),
});

test("all that was asked is said in its order, and a message holds what follows of one kind and set", () => {
  assert(
    property(array(anyStep), (steps) => {
      const messages = read(write(steps, "example.org"));
      expect(messages.flatMap(({ steps: said }) => said)).toEqual(steps);
      const turns = steps.filter(
        ({ verb, set }, i) => verb !== steps[i - 1]?.verb || set !== steps[i - 1]?.set,
      );
      expect(messages).toHaveLength(turns.length);
    }),
  );
});

test("a list is cut before its length has no room in 16 bits", () => {
  const steps = Array.from({ length: 1000 }, (_, key): Step => ({ verb: "add", set: 0, key }));
  const messages = read(write(steps, "x".repeat(251)));
  expect(messages.flatMap(({ steps: said }) => said)).toEqual(steps);
  expect(messages.length).toBe(5);
  for (const { listOctets } of messages) expect(listOctets).toBeLessThan(65_535);
});
