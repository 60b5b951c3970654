import { endingOf } from "./evidence.ts";
import type { Family, Finding } from "./finding.ts";
import { deniedAddress, FAMILIES, type Place } from "./place.ts";
import { SystemCallError } from "../sys/errors.ts";

/** One row of the doctor's table. */
export interface Check {
  readonly name: string;
  /** Rows of docs/security/held.md. */
  readonly row: string;
  /** It takes packet sockets or raw ones. */
  readonly needsRaw?: boolean;
  /** Findings, one for each attempt. */
  run(place: Place): Promise<readonly Finding[]>;
}

/** An address of ours and one that is denied. */
export interface Way {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
}

/** One way for each address family that has a route; a finding for each that has none. */
export function waysOut(place: Place): {
  readonly ways: readonly Way[];
  readonly missing: readonly Finding[];
} {
  const ways = FAMILIES.flatMap((family) => {
    const source = place.own[family];
    return source === undefined ? [] : [{ family, source, destination: deniedAddress(place, family) }];
  });
  const missing = FAMILIES.filter((family) => place.own[family] === undefined).map((family): Finding => ({
    what: family,
    family,
    outcome: "untried",
    detail: "no route",
  }));
  return { ways, missing };
}

/** What a failed system call says, if nothing but the call is judged. Others are thrown. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof SystemCallError)) throw error;
  const ending = endingOf(error.syscall, error.code);
  return ending.kind === "impossible" ? ending.reason : `${error.syscall}: ${error.code}`;
}
