/**
 * Runs in a namespace of its own: makes sets of learned addresses that hold two elements each, changes them
 * in batches, and says as JSON how each batch ended and what the kernel held after it. With `old` it speaks
 * as to a kernel before Linux 6.3.
 */
import { execFileSync } from "node:child_process";
import { LearnedSetError } from "../../src/netfilter/errors.ts";
import { openLearnedSet } from "../../src/netfilter/io/learned-set.ts";

const family = process.argv[2] === "4" ? 4 : 6;
const type = family === 4 ? "ipv4_addr" : "ipv6_addr";
const set = (name: string, size = 2): string =>
  `set ${name}_v${family} { type ${type}; flags timeout; timeout 1h; size ${size}; }`;
execFileSync("nft", ["-f", "-"], {
  input: `table inet opensandbox { ${set("dyn_allow")}; ${set("revoked")}; }`,
});

const address = (last: number): Uint8Array => {
  const octets = new Uint8Array(family === 4 ? 4 : 16);
  octets.set(family === 4 ? [192, 0, 2] : [0x20, 0x01, 0x0d, 0xb8]);
  octets[octets.length - 1] = last;
  return octets;
};
const learned = openLearnedSet(1 << 20, process.argv[3] !== "old");
const batches: { readonly end: string; readonly held: readonly number[] }[] = [];

function commit(): void {
  let end = "in force";
  try {
    learned.commit();
  } catch (error) {
    if (!(error instanceof LearnedSetError)) throw error;
    end = error.code;
  }
  const held = [...learned.dump(family)].flat().map(({ key }) => key.at(-1) ?? 0);
  batches.push({ end, held: held.toSorted((a, b) => a - b) });
}
const add = (last: number): void => learned.add(address(last), 60_000, `a${last}.example`);

// 1: one of them.
add(1);
commit();
// 2: the third has no room, and what comes after it would have none of its faults.
for (const last of [2, 3]) add(last);
learned.remove(address(1));
learned.revoke(address(9), 60_000, "");
commit();
// 3: what is not there, and more than once.
for (const last of [7, 7, 1]) learned.remove(address(last));
learned.unrevoke(address(7));
commit();
// 4: one goes and comes in the same batch; a longer life is a new element.
add(5);
learned.remove(address(5));
add(5);
learned.refresh(address(6), 60_000, "");
commit();

// 5: as long as a comment can be, and longer; more than one message holds.
execFileSync("nft", ["-f", "-"], {
  input: `delete set inet opensandbox dyn_allow_v${family}
    table inet opensandbox { ${set("dyn_allow", 1000)}; }`,
});
for (let number = 0; number < 1000; number++) {
  const octets = address(number & 255);
  octets[octets.length - 2] = number >> 8;
  learned.add(octets, 60_000, "x".repeat(number < 2 ? 252 + number : 251));
}
learned.commit();
const comments = [...learned.dump(family)].flat().map(({ comment }) => comment.length);

process.stdout.write(JSON.stringify({ batches, comments: comments.toSorted((a, b) => a - b) }));
learned.close();
