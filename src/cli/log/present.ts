/**
 * Decisions as lines for people. Names are text: what could move a terminal's cursor or colour it is escaped.
 */
import type { Decision, FollowedEvent } from "../../client/client.ts";
import { oneLine } from "../../policy/problem.ts";
import type { Paint } from "../paint.ts";

type Outcome = Decision["decision"];

/** How good each is for the program that wanted it. */
const COLOURS: Readonly<Record<Outcome, "good" | "doubtful" | "bad">> = {
  denied: "bad",
  audited: "doubtful",
  withheld: "doubtful",
  failed: "doubtful",
  nxdomain: "doubtful",
  nodata: "doubtful",
  allowed: "good",
};
const WIDEST = Math.max(...Object.keys(COLOURS).map((word) => word.length));

/** `12:34:56.789  denied    api.example.com A: no rule allows it` */
export function presentDecision(decision: Decision, paint: Paint): string {
  const { time, decision: outcome } = decision;
  const word = outcome.padEnd(WIDEST);
  const shown = paint[COLOURS[outcome]](word);
  return `${oneLine(time)}  ${shown}  ${oneLine(`${subjectOf(decision)}: ${REASONS[outcome](decision)}`)}\n`;
}

export function presentGap({ missed }: Extract<FollowedEvent, { kind: "gap" }>): string {
  return missed === undefined
    ? "the sidecar was started again: what it decided before is gone\n"
    : `${missed} decisions are gone that could not be shown in time\n`;
}

function subjectOf({ kind, name = "", type = "", protocol = "", port, addresses }: Decision): string {
  if (kind === "lookup") return `${name} ${type}`;
  const [address = ""] = addresses;
  const host = address.includes(":") && port !== undefined ? `[${address}]` : address;
  const end = port === undefined ? host : `${host}:${port}`;
  return `${protocol} ${end}${name === "" ? "" : ` (${name})`}`;
}

const REASONS: Readonly<Record<Outcome, (decision: Decision) => string>> = {
  allowed: ({ addresses, moreAddresses = 0, message, takenOut }) => {
    if (addresses.length === 0) return message ?? "answered";
    return `${addresses.join(" ")}${moreAddresses === 0 ? "" : ` and ${moreAddresses} more`}${lostBy(takenOut)}`;
  },
  denied: (decision) => decision.message ?? deniedBy(decision, "it"),
  audited: (decision) => `would be denied: ${decision.message ?? deniedBy(decision, "it")}`,
  withheld: (decision) =>
    `${decision.addresses.join(" ")} was taken out, ${decision.message ?? deniedBy(decision, "the address")}`,
  nxdomain: (decision) => `there is no such name${askedOf(decision)}`,
  nodata: (decision) => decision.message ?? `there is no ${decision.type ?? "data"}${askedOf(decision)}`,
  failed: (decision) => `${decision.message ?? "no answer"}${askedOf(decision)}`,
};

/** Of the addresses that the answer has lost the first, and who took it out. */
function lostBy(takenOut: Decision["takenOut"]): string {
  if (takenOut === undefined) return "";
  const { count, first, layer, rule, message } = takenOut;
  const by = rule === undefined ? (message ?? layer) : deniedBy({ kind: "lookup", layer, rule }, first);
  return `; ${count} taken out, ${first} first: ${by}`;
}

function askedOf({ upstream }: Decision): string {
  return upstream === undefined ? "" : ` (${upstream})`;
}

function deniedBy(
  { kind, name, layer, rule }: Pick<Decision, "kind" | "name" | "layer" | "rule">,
  what: string,
): string {
  const isNobodys = kind === "connection" && name === undefined;
  if (rule === undefined) return `no rule allows ${what}${isNobodys ? ", and no lookup has brought it" : ""}`;
  return layer === "user" ? `denied by the rule ${rule}` : `denied by ${layer}: ${rule}`;
}
