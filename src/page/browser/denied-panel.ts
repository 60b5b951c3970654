/** What was denied most, each with a button that allows it. */
import { type Decision, isDenied } from "../model/decision.ts";
import { createDeniedTally, type DeniedTarget } from "../model/denied-tally.ts";
import { button, byId, h, syncChildren } from "./dom.ts";

export interface DeniedPanel {
  count(decision: Decision): void;
  /**
   * It was allowed: it is no longer shown, until it is denied again after that moment, by the sidecar's
   * clock.
   */
  forget(target: string, untilMs: number): void;
  draw(): void;
}

const MOST_SHOWN = 12;

interface Item {
  readonly element: HTMLLIElement;
  readonly show: (denied: DeniedTarget | undefined) => void;
}

export interface DeniedActions {
  readonly allow: (target: string) => void;
  readonly explain: (target: string) => void;
}

export function createDeniedPanel(actions: DeniedActions): DeniedPanel {
  const list = byId("denied-list", HTMLOListElement);
  const none = byId("none-denied", HTMLElement);
  const tally = createDeniedTally();
  let items = new Map<string, Item>();
  let hasChanged = true;
  return {
    count(decision) {
      if (!isDenied(decision)) return;
      tally.count(decision);
      hasChanged = true;
    },
    forget(target, untilMs) {
      tally.forget(target, untilMs);
      hasChanged = true;
      const element = items.get(target)?.element;
      const beside = element?.nextElementSibling ?? element?.previousElementSibling;
      element?.remove();
      // Who uses the keyboard goes on where he was.
      (beside?.querySelector<HTMLButtonElement>("button:last-child") ?? list).focus();
    },
    draw() {
      if (!hasChanged) return;
      hasChanged = false;
      const top = tally.top(MOST_SHOWN);
      // Nothing moves away under a pointer, or under the focus of somebody who uses the keyboard: what is new
      // comes behind.
      const isUsed = list.matches(":hover, :has(:focus-visible)");
      const stay = isUsed ? [...items.keys()].flatMap((target) => tally.find(target) ?? []) : [];
      const shown = new Map([...stay, ...top].map((denied) => [denied.target, denied]));
      const before = items;
      items = new Map(
        [...shown.values()]
          .slice(0, MOST_SHOWN)
          .map((denied) => [denied.target, before.get(denied.target) ?? createItem(denied, actions)]),
      );
      for (const [target, item] of items) item.show(shown.get(target));
      syncChildren(
        list,
        [...items.values()].map(({ element }) => element),
      );
      none.hidden = items.size > 0;
    },
  };
}

function createItem({ target }: DeniedTarget, { allow, explain }: DeniedActions): Item {
  const count = h("span", { class: "count" });
  const decider = h("span", { class: "quiet" });
  const why = button("Why", () => explain(target), { "aria-label": `Why ${target}` });
  const open = button("Allow", () => allow(target), { "aria-label": `Allow ${target}` });
  const what = h("span", {}, h("span", { class: "name" }, target), " ", decider);
  const element = h("li", {}, count, what, why, open);
  return {
    element,
    show(denied) {
      if (denied === undefined) return;
      count.textContent = `${denied.count}×`;
      decider.textContent = denied.decider;
      open.disabled = !denied.canBeAllowed;
      open.title = denied.canBeAllowed ? "" : "No rule of this policy can allow it";
    },
  };
}
