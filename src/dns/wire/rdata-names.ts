/**
 * Names inside rdata. Those of RFC 1035's types, and of the later ones that RFC 3597 section 4 lists, may end in a pointer to another
 * place of the message, so such a record can be copied into another message only with its names written out.
 */
import { isWholeName, skipName } from "./compressed-name.ts";
import { RrType } from "./constants.ts";

/** Octets before the first name, names one behind the other, and octets behind the last; ANY_REST where that differs. */
export interface NamesLayout {
  readonly before: number;
  readonly names: number;
  readonly after: number;
}

const ANY_REST = -1;
const ONE_NAME: NamesLayout = { before: 0, names: 1, after: 0 };

const LAYOUTS: readonly (NamesLayout | undefined)[] = listLayouts({
  [RrType.ns]: ONE_NAME,
  [RrType.cname]: ONE_NAME,
  [RrType.ptr]: ONE_NAME,
  [RrType.dname]: ONE_NAME,
  [RrType.soa]: { before: 0, names: 2, after: 20 },
  [RrType.minfo]: { before: 0, names: 2, after: 0 },
  [RrType.rp]: { before: 0, names: 2, after: 0 },
  [RrType.mx]: { before: 2, names: 1, after: 0 },
  [RrType.afsdb]: { before: 2, names: 1, after: 0 },
  [RrType.srv]: { before: 6, names: 1, after: 0 },
  [RrType.rrsig]: { before: 18, names: 1, after: ANY_REST },
  [RrType.nsec]: { before: 0, names: 1, after: ANY_REST },
});

/** Undefined for types whose rdata holds no name that may be compressed, as far as is known here. */
export function namesLayout(type: number): NamesLayout | undefined {
  return LAYOUTS[type];
}

/** Whether the names in `octets[rdataAt, rdataEnd)` can be followed to their ends, and the rdata holds what its type says and no more. */
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
  let at = rdataAt + layout.before;
  for (let left = layout.names; left > 0; left--) {
    if (!isWholeName(octets, messageStart, at, end)) return false;
    at = skipName(octets, at, rdataEnd);
    if (at < 0) return false;
  }
  return layout.after === ANY_REST ? at <= rdataEnd : at + layout.after === rdataEnd;
}

function listLayouts(layouts: Readonly<Record<number, NamesLayout>>): readonly (NamesLayout | undefined)[] {
  return Array.from({ length: 64 }, (_, type) => layouts[type]);
}
