/**
 * What `egress explain` shows to people. Everything that came from elsewhere is shown as one line, controls
 * escaped.
 */
import { renderWrittenRule } from "../call/written-rule.ts";
import type { Explanation } from "../../client/client.ts";
import { oneLine } from "../../policy/problem.ts";
import { align, type Cells } from "../align.ts";
import type { Paint } from "../paint.ts";

type ExplainedAddress = Explanation["addresses"][number];
type Binding = NonNullable<Explanation["interception"]>["bindings"][number];
type Match = ExplainedAddress["matches"][number];

export function presentExplanation(explanation: Explanation, paint: Paint): string {
  const { target, port, protocol, app, reachable, because, audit, name, addresses, lookups, patch } =
    explanation;
  const bindings = explanation.interception?.bindings ?? [];
  const place = port === undefined ? target : `${target.includes(":") ? `[${target}]` : target}:${port}`;
  const verdict = reachable ? paint.good("yes") : paint.bad("no");
  const how = protocol === "tcp" && app === undefined ? "" : ` (${app ?? protocol})`;
  return [
    `${verdict}  ${paint.strong(oneLine(place))}${how}`,
    `     ${oneLine(because)}`,
    ...(audit
      ? [paint.strong("     audit mode is on: nothing is blocked but deny.always and the protections")]
      : []),
    ...(name === undefined ? [] : section("rules for the name", name.matches.map(presentMatch))),
    ...section("bindings", bindings.map(presentBinding)),
    ...section("addresses", addresses.map(presentAddress)),
    ...addresses.flatMap(({ address, matches }) =>
      section(`rules for ${oneLine(address)}`, matches.map(presentMatch)),
    ),
    ...section("last lookups", lookups.map(presentLookup)),
    ...presentPatch(reachable, patch),
    "",
  ].join("\n");
}

function presentMatch({ layer, action, target, position, decides, shadowedBy }: Match): Cells {
  const place = layer === "user" ? `rule ${position}` : `${layer}, line ${position}`;
  const shadow = shadowedBy === undefined ? "" : `never decides: ${shadowedBy} stands before it`;
  return [place, action, target, decides ? "decides" : shadow];
}

function presentBinding({ name, ports, since, problem = "" }: Binding): Cells {
  return [name, `at port ${ports.join(", ")}`, `since ${since}`, problem];
}

function presentAddress({
  address,
  kernel,
  names,
  secondsLeft,
  flows,
  farEnd,
  tried,
}: ExplainedAddress): Cells {
  const left = secondsLeft === undefined ? "" : `${secondsLeft} s left`;
  const counts = `${flows.answered} flows answered, ${flows.unanswered} not`;
  const passes = kernel.passes ? "passes" : "refused";
  return [
    address,
    `${passes} (${kernel.by})`,
    left,
    `${farEnd}${tried === true ? " (tried)" : ""}: ${counts}`,
    names.join(" "),
  ];
}

function presentLookup(lookup: Explanation["lookups"][number]): Cells {
  const { time, type = "", decision, rcode = "", addresses, rule = "", message = "" } = lookup;
  return [time, type, decision, rcode, addresses.join(" "), rule, message];
}

function presentPatch(reachable: boolean, { allow, deny }: Explanation["patch"]): readonly string[] {
  const [wanted, word] = reachable ? [deny, "deny"] : [allow, "allow"];
  if (wanted === undefined) return ["", `no rule of the policy can ${word} it`];
  if (wanted.length === 0) return [];
  const options = wanted.flatMap(({ action, ...rest }) =>
    renderWrittenRule(rest).map((written) => `--${action} ${shellWord(written)}`),
  );
  return ["", `to ${word} it: egress policy patch ${options.join(" ")}`];
}

function shellWord(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${oneLine(text).replaceAll("'", String.raw`'\''`)}'`;
}

function section(title: string, rows: readonly Cells[]): readonly string[] {
  return rows.length === 0 ? [] : ["", title, ...align(rows).map((line) => `  ${line}`)];
}
