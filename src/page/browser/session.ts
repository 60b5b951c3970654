/** The token: asked for once, if the API wants one, and kept for this tab alone. */
import { byId, onSubmit } from "./dom.ts";

export interface Session {
  token(): string | undefined;
  /** Settles when there is another token than the one that was refused. */
  replace(refused: string | undefined): Promise<void>;
}

const KEY = "egress-token";

export function createSession(): Session {
  const dialog = byId("token-dialog", HTMLDialogElement);
  const input = byId("token", HTMLInputElement);
  const problem = byId("token-problem", HTMLElement);
  const forget = byId("forget-token", HTMLButtonElement);
  const open = byId("give-token", HTMLButtonElement);
  let waiting: PromiseWithResolvers<void> | undefined;
  const show = (): void => {
    open.hidden = waiting === undefined;
    forget.hidden = token() === undefined;
    if (waiting !== undefined && !dialog.open) dialog.showModal();
  };
  onSubmit(byId("token-form", HTMLFormElement), () => {
    sessionStorage.setItem(KEY, input.value);
    input.value = "";
    waiting?.resolve();
    waiting = undefined;
    dialog.close();
    show();
  });
  open.addEventListener("click", show);
  forget.addEventListener("click", () => {
    sessionStorage.removeItem(KEY);
    location.reload();
  });
  show();
  return {
    token,
    async replace(refused) {
      if (token() !== refused) return;
      problem.textContent = refused === undefined ? "" : "The sidecar refuses this token.";
      waiting ??= Promise.withResolvers();
      show();
      await waiting.promise;
    },
  };
}

function token(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}
