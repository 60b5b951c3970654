import { parseArgs } from "node:util";
import type { DecisionFilter } from "../../client/client.ts";
import { accepted, refused, type Result } from "../../policy/problem.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";

export interface LogRequest {
  readonly place: Place;
  readonly asJson: boolean;
  readonly follow: boolean;
  readonly limit: number;
  readonly filter: DecisionFilter;
}

const OPTIONS = {
  ...CALL_OPTIONS,
  follow: { type: "boolean", short: "f" },
  denied: { type: "boolean" },
  name: { type: "string" },
  address: { type: "string" },
  limit: { type: "string", short: "n" },
} as const;

const LIMIT = { default: 100, most: 1000 } as const;

export function readArguments(argv: readonly string[]): Result<LogRequest | "help"> {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    if (values.help === true) return accepted("help");
    const { json = false, follow = false, denied = false, name, address } = values;
    const place = readPlace(values);
    if (!place.ok) return place;
    const limit = values.limit === undefined ? LIMIT.default : readLimit(values.limit);
    if (limit === undefined) return refused(`is not a whole number from 0 to ${LIMIT.most}`, "--limit");
    const filter: DecisionFilter = {
      ...(denied ? { decision: ["denied", "withheld", "audited"] } : {}),
      ...(name === undefined ? {} : { name }),
      ...(address === undefined ? {} : { address }),
    };
    return accepted({ place: place.value, asJson: json, follow, limit, filter });
  } catch (error) {
    return refusedByParser(error);
  }
}

function readLimit(text: string): number | undefined {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return limit <= LIMIT.most ? limit : undefined;
}
