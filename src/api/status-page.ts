import type { PageRequest } from "../enforcement/sandbox-report.ts";
import type { Refusal } from "./refusal.ts";

export const PAGE_LIMIT = { default: 100, most: 1000 } as const;

type Page =
  | { readonly ok: true; readonly value: PageRequest }
  | { readonly ok: false; readonly refusal: Refusal };

/** Reads `limit` and `after`, each given once or not at all. */
export function readPage(queries: Readonly<Record<string, readonly string[]>>): Page {
  const limit = readNumber(queries["limit"], PAGE_LIMIT.default, PAGE_LIMIT.most);
  if (limit === undefined) return refuse(`limit: must be a whole number from 0 to ${PAGE_LIMIT.most}`);
  const after = readNumber(queries["after"], 0, Number.MAX_SAFE_INTEGER);
  if (after === undefined) return refuse("after: must be the next of an earlier page");
  return { ok: true, value: { limit, after } };
}

function readNumber(values: readonly string[] | undefined, unset: number, most: number): number | undefined {
  if (values === undefined) return unset;
  const [text = "", ...more] = values;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return more.length === 0 && value <= most ? value : undefined;
}

function refuse(problem: string): Page {
  return { ok: false, refusal: { code: "invalid-query", message: `${problem}, and given once` } };
}
