/**
 * Audit mode: whether it is on, and its switch. It opens the sandbox, so a person is asked before it is
 * switched on, and never before it is switched off.
 */
import type { Api, Status } from "./api.ts";
import { byId } from "./dom.ts";

export interface AuditPanel {
  show(status: Status): void;
}

export function createAuditPanel(api: Api, onChange: () => Promise<void>): AuditPanel {
  const strip = byId("audit", HTMLElement);
  const start = byId("audit-start", HTMLButtonElement);
  const dialog = byId("audit-dialog", HTMLDialogElement);
  const [stripProblem, dialogProblem] = [
    byId("audit-end-problem", HTMLElement),
    byId("audit-problem", HTMLElement),
  ];

  async function turn(isOn: boolean): Promise<void> {
    const problem = isOn ? dialogProblem : stripProblem;
    problem.textContent = "";
    const answer = await api.setAudit(isOn);
    if (!answer.ok) {
      problem.textContent = answer.message;
      return;
    }
    dialog.close();
    await onChange();
  }

  start.addEventListener("click", () => {
    dialogProblem.textContent = "";
    dialog.showModal();
  });
  byId("audit-confirm", HTMLButtonElement).addEventListener("click", () => void turn(true));
  byId("audit-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
  byId("end-audit", HTMLButtonElement).addEventListener("click", () => void turn(false));
  return {
    show({ audit }) {
      strip.hidden = !audit.enabled;
      start.hidden = audit.enabled;
    },
  };
}
