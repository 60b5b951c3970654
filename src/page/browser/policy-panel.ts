/** The policy: its rules in order, one more, one less, and all of it as JSON. */
import type { Answer, Api, PolicyState, Status } from "./api.ts";
import { describeShownRule, type ShownRule } from "../model/rule-diff.ts";
import type { Propose } from "./change-dialog.ts";
import { button, byId, h, onSubmit } from "./dom.ts";

export interface PolicyPanel {
  /** Loads the policy, if it is another than the one that is shown. */
  follow(layers: Status["layers"]): Promise<void>;
}

const MOST_SHOWN = 500;

export function createPolicyPanel(api: Api, propose: Propose, onChange: () => Promise<void>): PolicyPanel {
  const target = byId("add-target", HTMLInputElement);
  const action = byId("add-action", HTMLSelectElement);
  const editor = createEditor(api, propose, onChange);
  let shownEtag: string | undefined;
  async function add(): Promise<void> {
    const rule = { action: action.value, target: target.value };
    const title = `${action.value === "allow" ? "Allow" : "Deny"} ${target.value}?`;
    if (!(await propose({ title, change: { kind: "merge", rules: [rule] } }))) return;
    target.value = "";
    await onChange();
  }
  onSubmit(byId("add-rule", HTMLFormElement), () => void add());
  const remove = (rule: ShownRule): void => {
    const title = `Remove the rule for ${describeShownRule(rule)}?`;
    const { action: _action, ...named } = rule;
    const isWhole = [named.ports, named.protocol, named.app, named.http].every((part) => part === undefined);
    const gone = isWhole ? (named.target ?? "") : named;
    void propose({ title, change: { kind: "remove", targets: [gone] } }).then((isMade) =>
      isMade ? onChange() : undefined,
    );
  };
  return {
    async follow(layers) {
      showOperatorRules(layers);
      if (layers.user.etag === shownEtag) return;
      const answer = await api.policy();
      if (!answer.ok) return;
      shownEtag = answer.etag;
      showPolicy(answer.value, remove);
      editor.noticePolicy(answer);
    },
  };
}

function showPolicy({ policy, mode }: PolicyState, remove: (rule: ShownRule) => void): void {
  const count = policy.egress.length;
  const rest = count === 0 ? "Everything" : "Default action";
  byId("policy-default", HTMLElement).replaceChildren(
    `${rest}: `,
    h("b", {}, policy.defaultAction),
    ` (${mode.replaceAll("_", " ")})`,
  );
  const rows = policy.egress.slice(0, MOST_SHOWN).map((rule, at) =>
    h(
      "tr",
      {},
      h("td", {}, String(at + 1)),
      h(
        "td",
        { "data-side": rule.action === "allow" ? "allowed" : "denied" },
        h("span", { class: "word" }, rule.action),
      ),
      h("td", { class: "name" }, describeShownRule(rule)),
      h(
        "td",
        {},
        button("Remove", () => remove(rule), { "aria-label": `Remove ${describeShownRule(rule)}` }),
      ),
    ),
  );
  byId("policy-rows", HTMLElement).replaceChildren(...rows);
  const more = count - rows.length;
  byId("policy-more", HTMLElement).textContent = more > 0 ? `${more} more: see them as JSON.` : "";
}

function showOperatorRules({ denyAlways, allowAlways }: Status["layers"]): void {
  const lists = [
    { name: "deny.always", targets: denyAlways },
    { name: "allow.always", targets: allowAlways },
  ];
  const shown = lists.map(({ name, targets }) => {
    const more = targets.total - targets.shown.length;
    const words = [...targets.shown, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
    return h("div", {}, h("dt", {}, name), h("dd", { class: "name" }, words === "" ? "nothing" : words));
  });
  byId("operator-rules", HTMLElement).replaceChildren(...shown);
}

interface Editor {
  /** Tells somebody who edits an older policy. */
  noticePolicy(answer: Answer<PolicyState> & { ok: true }): void;
}

function createEditor(api: Api, propose: Propose, onChange: () => Promise<void>): Editor {
  const form = byId("editor", HTMLFormElement);
  const text = byId("editor-text", HTMLTextAreaElement);
  const problem = byId("editor-problem", HTMLElement);
  const edit = byId("edit", HTMLButtonElement);
  let etag: string | undefined;
  const show = (isOpen: boolean): void => {
    form.hidden = !isOpen;
    edit.hidden = isOpen;
    (isOpen ? text : edit).focus();
  };
  async function open(): Promise<void> {
    const answer = await api.policy();
    problem.textContent = answer.ok ? "" : answer.message;
    if (answer.ok) {
      text.value = renderPolicy(answer.value.policy);
      etag = answer.etag;
    }
    show(true);
  }
  async function openSuggestion(): Promise<void> {
    await open();
    const answer = await api.suggest();
    if (!answer.ok) problem.textContent = answer.message;
    else if ("egress" in answer.value) text.value = renderPolicy(answer.value);
  }
  edit.addEventListener("click", () => void open());
  byId("suggest", HTMLButtonElement).addEventListener("click", () => void openSuggestion());
  byId("editor-cancel", HTMLButtonElement).addEventListener("click", () => show(false));
  async function submit(): Promise<void> {
    problem.textContent = "";
    const policy = parsePolicy(text.value);
    if (typeof policy === "string") {
      problem.textContent = policy;
      return;
    }
    const isMade = await propose({ title: "Replace the policy?", change: { kind: "replace", policy } });
    if (!isMade) return;
    show(false);
    await onChange();
  }
  onSubmit(form, () => void submit());
  return {
    noticePolicy(answer) {
      if (form.hidden || answer.etag === etag) return;
      problem.textContent = "Somebody else has changed the policy since the editor was opened.";
    },
  };
}

/** A rule a line. */
function renderPolicy({ defaultAction, egress }: PolicyState["policy"]): string {
  const rules = egress.map((rule) => `    ${JSON.stringify(rule)}`).join(",\n");
  return `{\n  "defaultAction": "${defaultAction}",\n  "egress": [${rules === "" ? "" : `\n${rules}\n  `}]\n}\n`;
}

/** What is wrong with it, or an object: the sidecar itself says what is wrong in that. */
function parsePolicy(text: string): object | string {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : "A policy is a JSON object.";
  } catch (error) {
    return `This is no JSON: ${String(error)}`;
  }
}
