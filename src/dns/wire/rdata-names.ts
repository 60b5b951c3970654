/**
 * Names inside rdata. Those of RFC 1035's types, and of the later ones that RFC 3597 section 4 lists, may end
 * in a pointer to another place of the message, so such a record can be copied into another message only with
 * its names written anew.
 */
import { isWholeName, skipName } from "./compressed-name.ts";
import { RrType } from "./constants.ts";

export interface NamesLayout {
  /** Octets before the first name, or before the character strings that stand before it. */
  readonly before: number;
  readonly strings: number;
  /** Names one behind the other, and octets behind the last; ANY_REST if that differs. */
  readonly names: number;
  readonly after: number;
  /** Whether who writes the record may compress the names (RFC 3597 section 4: in types of RFC 1035 only). */
  readonly mayPoint: boolean;
}

const ANY_REST = -1;
const PLAIN = { before: 0, strings: 0, names: 1, after: 0, mayPoint: true } as const;
/** Types that came later: names in them are read compressed, and written out. */
const LATER = { ...PLAIN, mayPoint: false } as const;

const LAYOUTS: readonly (NamesLayout | undefined)[] = listLayouts({
  [RrType.ns]: PLAIN,
  [RrType.md]: PLAIN,
  [RrType.mf]: PLAIN,
  [RrType.cname]: PLAIN,
  [RrType.soa]: { ...PLAIN, names: 2, after: 20 },
  [RrType.mb]: PLAIN,
  [RrType.mg]: PLAIN,
  [RrType.mr]: PLAIN,
  [RrType.ptr]: PLAIN,
  [RrType.minfo]: { ...PLAIN, names: 2 },
  [RrType.mx]: { ...PLAIN, before: 2 },
  [RrType.rp]: { ...LATER, names: 2 },
  [RrType.afsdb]: { ...LATER, before: 2 },
  [RrType.rt]: { ...LATER, before: 2 },
  [RrType.nsapPtr]: LATER,
  [RrType.sig]: { ...LATER, before: 18, after: ANY_REST },
  [RrType.px]: { ...LATER, before: 2, names: 2 },
  [RrType.nxt]: { ...LATER, after: ANY_REST },
  [RrType.srv]: { ...LATER, before: 6 },
  // Order, preference; flags, services, expression; replacement: RFC 3403 section 4.1.
  [RrType.naptr]: { ...LATER, before: 4, strings: 3 },
  [RrType.kx]: { ...LATER, before: 2 },
  [RrType.dname]: LATER,
  [RrType.rrsig]: { ...LATER, before: 18, after: ANY_REST },
  [RrType.nsec]: { ...LATER, after: ANY_REST },
});

/** Undefined for types whose rdata holds no name that may be compressed, as far as is known here. */
export function namesLayout(type: number): NamesLayout | undefined {
  return LAYOUTS[type];
}

/** Where the first name of `octets[rdataAt, rdataEnd)` begins; -1 if the rdata ends before it. */
export function findFirstName(
  octets: Buffer,
  { before, strings }: NamesLayout,
  rdataAt: number,
  rdataEnd: number,
): number {
  let at = rdataAt + before;
  for (let left = strings; left > 0 && at < rdataEnd; left--) at += 1 + (octets[at] ?? 0);
  return at < rdataEnd ? at : -1;
}

/**
 * Whether the names in `octets[rdataAt, rdataEnd)` can be followed to their ends, and the rdata holds what
 * its type says and no more.
 */
export function hasWholeNames(
  octets: Buffer,
  messageStart: number,
  end: number,
  type: number,
  rdataAt: number,
  rdataEnd: number,
): boolean {
  const layout = LAYOUTS[type];
  if (layout === undefined) return true;
  let at = findFirstName(octets, layout, rdataAt, rdataEnd);
  for (let left = layout.names; left > 0; left--) {
    if (at < 0 || !isWholeName(octets, messageStart, at, end)) return false;
    at = skipName(octets, at, rdataEnd);
  }
  if (at < 0) return false;
  return layout.after === ANY_REST ? at <= rdataEnd : at + layout.after === rdataEnd;
}

function listLayouts(layouts: Readonly<Record<number, NamesLayout>>): readonly (NamesLayout | undefined)[] {
  return Array.from({ length: 64 }, (_, type) => layouts[type]);
}
