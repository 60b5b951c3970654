/**
 * A change of the policy: first a dry run, whose difference is shown, then the change itself, if the person
 * says so. It is made only of the policy that the difference was shown of.
 */
import { type DiffLine, diffRules, withContext } from "../model/rule-diff.ts";
import type { Api, Change, PolicyChange, PolicyState } from "./api.ts";
import { byId, h } from "./dom.ts";

export interface Proposal {
  readonly title: string;
  readonly change: Change;
  /** Said above the difference. */
  readonly note?: string;
}

/** Settles with whether the change was made. One at a time. */
export type Propose = (proposal: Proposal) => Promise<boolean>;

export function createChangeDialog(api: Api): Propose {
  const dialog = byId("change-dialog", HTMLDialogElement);
  const [title, note] = [byId("change-title", HTMLElement), byId("change-note", HTMLElement)];
  const problem = byId("change-problem", HTMLElement);
  const diff = byId("change-diff", HTMLElement);
  const apply = byId("change-apply", HTMLButtonElement);
  let proposed: Proposal | undefined;
  let etag: string | undefined;
  let isMade = false;

  async function tryOut({ change, note: said = "" }: Proposal): Promise<void> {
    apply.disabled = true;
    const before = await api.policy();
    if (!before.ok) return refuse(before.message);
    const after = await api.change(change, { dryRun: true, ifMatch: before.etag });
    if (!after.ok) return refuse(after.message);
    etag = before.etag;
    const lines = compare(before.value, after.value);
    const warnings = (after.value.warnings ?? []).map(({ path, message }) => `${path}: ${message}.`);
    note.textContent = [said, ...warnings].join(" ");
    if (lines.length === 0) return refuse("The policy is like that already: nothing would change.");
    diff.replaceChildren(...lines.map(renderLine));
    diff.hidden = false;
    apply.disabled = false;
    apply.focus();
  }

  function refuse(message: string): void {
    problem.textContent = message;
    diff.hidden = true;
  }

  async function makeIt(proposal: Proposal): Promise<void> {
    apply.disabled = true;
    problem.textContent = "";
    const answer = await api.change(proposal.change, { dryRun: false, ifMatch: etag });
    isMade = answer.ok;
    if (answer.ok) return dialog.close();
    problem.textContent = answer.message;
    if (!answer.isStale) return;
    problem.textContent = "Somebody else has changed the policy meanwhile: this is what would change now.";
    await tryOut(proposal);
  }

  apply.addEventListener("click", () => {
    if (proposed !== undefined) void makeIt(proposed);
  });
  byId("change-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
  return async (proposal) => {
    if (dialog.open) return false;
    proposed = proposal;
    isMade = false;
    title.textContent = proposal.title;
    note.textContent = "Asking what would change.";
    problem.textContent = "";
    diff.hidden = true;
    // Ahead of the dialog, which would give it the focus as it was left by the one before.
    apply.disabled = true;
    const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    dialog.showModal();
    await tryOut(proposal);
    await closed;
    return isMade;
  };
}

function compare(
  { policy: before }: PolicyState,
  { policy: after }: PolicyChange,
): readonly (DiffLine | undefined)[] {
  if (after === undefined) return [];
  const byDefault: readonly DiffLine[] =
    before.defaultAction === after.defaultAction
      ? []
      : [
          { sign: "-", text: `default ${before.defaultAction}` },
          { sign: "+", text: `default ${after.defaultAction}` },
        ];
  const lines = [...diffRules(before.egress, after.egress), ...byDefault];
  return lines.every(({ sign }) => sign === " ") ? [] : withContext(lines);
}

function renderLine(line: DiffLine | undefined): HTMLElement {
  if (line === undefined) return h("span", { class: "quiet" }, "…");
  return h("span", { "data-sign": line.sign }, `${line.sign} ${line.text}`);
}
