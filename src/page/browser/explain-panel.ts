/** What becomes of a name or an address, and why, with the rules that would change it. */
import type { Answer, Api, Explanation } from "./api.ts";
import type { Propose } from "./change-dialog.ts";
import { button, byId, h, onSubmit } from "./dom.ts";

export interface ExplainPanel {
  /** As if a person had asked for it. */
  explain(target: string): void;
}

type Match = Explanation["addresses"][number]["matches"][number];

export function createExplainPanel(api: Api, propose: Propose, onChange: () => Promise<void>): ExplainPanel {
  const target = byId("explain-target", HTMLInputElement);
  const port = byId("explain-port", HTMLInputElement);
  const protocol = byId("explain-protocol", HTMLSelectElement);
  const app = byId("explain-app", HTMLSelectElement);
  const tryIt = byId("explain-try", HTMLButtonElement);
  const result = byId("explanation", HTMLElement);
  let asked = 0;
  async function ask(isTried = false): Promise<void> {
    const number = (asked += 1);
    if (isTried) result.replaceChildren(h("p", {}, "Trying, for three seconds at most ..."));
    const [{ value: place }, { value: how }] = [target, protocol];
    const question = { target: place, port: port.value, protocol: how, app: app.value, isTried };
    const answer = await api.explain(question);
    // A try takes its time: what was asked since then has its answer, or will.
    if (number !== asked) return;
    result.replaceChildren(...renderAnswer(answer, change));
  }
  async function change(title: string, rules: Explanation["patch"]["allow"]): Promise<void> {
    if (!(await propose({ title, change: { kind: "merge", rules: rules ?? [] } }))) return;
    await Promise.all([ask(), onChange()]);
  }
  // Enter is never a try: it sends packets, so it wants its own button.
  onSubmit(byId("explain-form", HTMLFormElement), (by) => void ask(by === tryIt));
  return {
    explain(wanted) {
      target.value = wanted;
      port.value = "";
      app.value = "";
      byId("explain", HTMLElement).scrollIntoView();
      target.focus({ preventScroll: true });
      void ask();
    },
  };
}

type ProposeRules = (title: string, rules: Explanation["patch"]["allow"]) => Promise<void>;

function renderAnswer(answer: Answer<Explanation>, change: ProposeRules): readonly Node[] {
  if (!answer.ok) return [h("p", { class: "bad" }, answer.message)];
  const { target, reachable, because, patch, name, addresses } = answer.value;
  const changes = [
    { verb: "Allow", rules: patch.allow },
    { verb: "Deny", rules: patch.deny },
  ].flatMap(({ verb, rules = [] }) =>
    rules.length === 0 ? [] : [button(`${verb} it`, () => void change(`${verb} ${target}?`, rules))],
  );
  const word = h("b", { class: reachable ? "good" : "bad" }, reachable ? "Reachable" : "Not reachable");
  return [
    h("p", {}, word, ": ", h("span", { class: "name" }, because)),
    h("p", { class: "row" }, ...changes),
    ...(name === undefined
      ? []
      : [renderMatches(`Rules for the name (answer: ${name.answer})`, name.matches)]),
    ...addresses.map(renderAddress),
  ];
}

function renderMatches(title: string, matches: readonly Match[]): HTMLElement {
  const rows = matches.map(({ layer, position, action, target, decides, shadowedBy }) => {
    const role = decides ? "decides" : shadowedBy === undefined ? "" : `shadowed by ${shadowedBy}`;
    return h("li", { class: "name" }, `${layer} ${position}: ${action} ${target} `, h("b", {}, role));
  });
  return h(
    "div",
    {},
    h("h3", {}, title),
    rows.length === 0 ? h("p", {}, "None: the default action.") : h("ul", {}, ...rows),
  );
}

function renderAddress(one: Explanation["addresses"][number]): HTMLElement {
  const { address, names, secondsLeft, kernel, farEnd, flows, matches, tried } = one;
  const facts = [
    kernel.passes ? `the kernel lets it pass (${kernel.by})` : `the kernel refuses it (${kernel.by})`,
    ...(secondsLeft === undefined ? [] : [`${secondsLeft} s left`]),
    `far end: ${farEnd}${tried === true ? ", tried just now" : ""} (${flows.answered} flows answered, ${flows.unanswered} not)`,
    ...(names.length === 0 ? [] : [`names: ${names.join(", ")}`]),
  ];
  return h(
    "div",
    {},
    renderMatches(`Rules for ${address}`, matches),
    h("p", { class: kernel.passes ? "good" : "bad" }, facts.join("; ")),
  );
}
