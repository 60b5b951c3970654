/**
 * Prefixes and addresses as operators list them, turned into the kernel's interval sets: in order, and none
 * overlapping.
 */
import { renderAddress, renderIpv6 } from "../../policy/address.ts";
import { parsePrefix, type Prefix } from "../../policy/prefix.ts";

/** `first` and `last` are both included. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * The elements for the sets of both families. Throws on a text that is no address or prefix: callers have
 * checked it.
 */
export function mergeRanges(texts: readonly string[]): {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
} {
  const prefixes = texts.map(parseTrusted);
  return { v4: mergeFamily(prefixes, 4), v6: mergeFamily(prefixes, 6) };
}

/** The element for the addresses from `first` to `last`, in nft(8)'s words. */
function renderRange(first: string, last: string): string {
  return first === last ? first : `${first}-${last}`;
}

function parseTrusted(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (!parsed.ok) throw new TypeError(`not an address or prefix: ${text}`);
  return parsed.value;
}

function mergeFamily(prefixes: readonly Prefix[], family: 4 | 6): readonly string[] {
  const ranges = prefixes
    .filter((prefix) => prefix.family === family)
    .map(rangeOf)
    .sort((one, other) => compare(one.first, other.first));
  return joinNeighbours(ranges).map(({ first, last }) =>
    renderRange(renderNumber(first, family), renderNumber(last, family)),
  );
}

function rangeOf({ octets, length }: Prefix): Range {
  const first = BigInt(`0x${Buffer.from(octets).toString("hex")}`);
  const hostBits = BigInt(octets.length * 8 - length);
  return { first, last: first + (1n << hostBits) - 1n };
}

function joinNeighbours(ranges: readonly Range[]): readonly Range[] {
  const joined: Range[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1n) joined.push(range);
    else if (range.last > before.last) joined.splice(-1, 1, { first: before.first, last: range.last });
  }
  return joined;
}

function compare(one: bigint, other: bigint): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function renderNumber(value: bigint, family: 4 | 6): string {
  const digits = family === 4 ? 8 : 32;
  const octets = Buffer.from(value.toString(16).padStart(digits, "0"), "hex");
  return family === 4 ? renderAddress(octets) : renderIpv6(octets);
}
