/**
 * How a run tells people of what was denied, and why. Everything that came from elsewhere is shown as one
 * line, controls escaped.
 */
import { oneLine } from "../../../policy/problem.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Denied, Failed } from "./ledger.ts";
import { type Cause, QUIC } from "./sighting.ts";

/** `denied api.example.org (no rule allows it)`. */
export function describe(entry: Denied | Failed, around: Surroundings): string {
  if (entry.kind === "failed") return describeFailure(entry, around);
  const reason = [describeCause(entry.cause), ...hints(entry, around)].join("; ");
  return oneLine(`denied ${describeSubject(entry)} (${reason})`);
}

/**
 * `198.51.100.7 tcp 443, an address of api.example.org`, or the name; of one that a connection has shown also
 * where.
 */
export function describeSubject(entry: Denied): string {
  const { shownAt } = entry;
  if (shownAt === undefined) return describeEnd(entry);
  const end = describeEnd({ ...entry, subject: shownAt.address ?? "", host: shownAt.owner });
  return oneLine(`${entry.subject}, which a connection to ${end} has shown`);
}

function describeEnd({ subject, flow, host }: Pick<Denied, "subject" | "flow" | "host">): string {
  const where = [subject, flow?.transport, flow?.port].filter((part) => part !== undefined).join(" ");
  return oneLine(host === undefined ? where : `${where}, an address of ${host}`);
}

export function describeCause({ layer, rule, form }: Cause): string {
  if (form !== undefined) return form;
  switch (layer ?? "") {
    case "user":
      return rule === undefined ? "denied by default" : `rule: deny ${rule}`;
    case "deny.always":
      return rule === undefined ? "deny.always" : `deny.always: ${rule}`;
    case "built-in":
      return "a protection that no rule lifts";
    case "default":
      return "no rule allows it";
    default:
      return "one of too many to tell why";
  }
}

/**
 * The name whose rules let other flows pass to the address than the one that was refused; undefined if that
 * is not why.
 */
export function nameOfOtherFlows(
  { cause, host: owner, subject, shownAt, flow }: Denied,
  { allowsName, opensFlow }: Surroundings,
): string | undefined {
  const host = shownAt === undefined ? owner : subject;
  if (cause.layer !== "default" || host === undefined || flow?.transport === undefined) return undefined;
  return allowsName(host) && !opensFlow(host, flow) ? host : undefined;
}

function hints(entry: Denied, around: Surroundings): readonly string[] {
  const { kind, subject, host, cause, shownAt } = entry;
  if (cause.form !== undefined) return [cause.form === QUIC ? QUIC_HINT : FORM_HINT];
  if (shownAt !== undefined)
    return nameOfOtherFlows(entry, around) === undefined
      ? []
      : [`the rules for ${subject} allow other ports`];
  if (kind === "name")
    return around.hasWildcardBelow(subject) ? [`*.${subject} does not cover ${subject} itself`] : [];
  if (cause.layer !== "default") return [];
  const names = around.namesInHosts(subject);
  if (names.length > 0)
    return [
      `/etc/hosts gives it for ${names.join(" and ")}, which therefore is not looked up: allow the address`,
    ];
  const other = nameOfOtherFlows(entry, around);
  if (other !== undefined) return [`the rules for ${other} allow other ports or protocols`];
  return host !== undefined && around.allowsName(host)
    ? ["the time of that lookup is over: it must be looked up again"]
    : [];
}

/** Both ways out; the first opens less. */
const FORM_HINT = "ask for it by an allowed name, or allow the address";
const QUIC_HINT = "its clients fall back to TCP";

function describeFailure({ subject, reason, upstream }: Failed, { upstreams }: Surroundings): string {
  const asked = upstream === undefined ? upstreams : [upstream];
  return oneLine(
    `the lookup of ${subject} failed: ${reason}${asked.length === 0 ? "" : ` (asked: ${asked.join(", ")})`}`,
  );
}
