/**
 * Opens the tables of so many sandboxes of one capacity, and tells what they took of this process: `node
 * tables-child.ts COUNT CAPACITY`, where CAPACITY is JSON. Prints octets, a sandbox each, as JSON.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DEFAULT_CAPACITY } from "../../src/enforcement/capacity.ts";
import { createLearnedAddresses } from "../../src/learned/learned-addresses.ts";
import { createWithheldAddresses } from "../../src/learned/withheld.ts";
import { raiseMmapThreshold } from "../../src/sys/process-memory.ts";
import { createFakeNetwork } from "../dns/support/fake-network.ts";
import { createFakeLearnedSet } from "../support/fake-learned-set.ts";

const COUNT = Number(process.argv[2]);
const number = z.number();
const capacity = z
  .object({
    learnedAddresses: number,
    dns: z.object({
      maxWaiters: number,
      maxLookups: number,
      cachedAnswers: number,
      cacheOctets: number,
      boundParents: number,
      boundNames: number,
    }),
  })
  .parse(JSON.parse(process.argv[3] ?? JSON.stringify(DEFAULT_CAPACITY)));

function open(): unknown {
  return [
    createFakeNetwork({ capacity: capacity.dns }),
    createLearnedAddresses({
      set: createFakeLearnedSet(() => 0),
      capacity: capacity.learnedAddresses,
      graceSeconds: 600,
      withheld: createWithheldAddresses([], () => 1),
      wildcardOf: () => undefined,
      nowMs: () => 0,
      drawSeed: () => 1,
      onRefused: (error) => {
        throw error;
      },
    }),
  ];
}

/** Memory of no file, in octets: pages that were touched. */
function touched(): number {
  const found = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  if (found === undefined) throw new Error("no RssAnon in /proc/self/status");
  return Number(found) * 1024;
}

const reserved = (): number => process.memoryUsage().arrayBuffers;

// As the sidecar does before it asks for large pieces.
raiseMmapThreshold();
// The first one loads and compiles, too.
const opened = [open()];
const before = { reserved: reserved(), touched: touched() };
for (let i = 0; i < COUNT; i++) opened.push(open());
const perSandbox = (after: number, from: number): number => Math.round((after - from) / COUNT);
console.log(
  JSON.stringify({
    opened: opened.length - 1,
    reserved: perSandbox(reserved(), before.reserved),
    touched: perSandbox(touched(), before.touched),
  }),
);
