/** The table of the last decisions, with its filter and its pause. */
import { answerOf, type Decision, deciderOf, sideOf, subjectOf } from "../model/decision.ts";
import { byId, h, syncChildren } from "./dom.ts";

export interface DecisionsPanel {
  /** The oldest first. */
  add(list: readonly Decision[]): void;
  /** A line between those before and those after. */
  note(words: string): void;
  /** Shows what came since the last time. */
  draw(): void;
}

/** What the filter chooses from. */
const MOST_KEPT = 1000;
const MOST_SHOWN = 100;

type Entry = { readonly decision: Decision; readonly text: string } | { readonly words: string };

export function createDecisionsPanel(): DecisionsPanel {
  const rows = byId("decision-rows", HTMLElement);
  const empty = byId("no-decisions", HTMLElement);
  const side = byId("filter-side", HTMLSelectElement);
  const text = byId("filter-text", HTMLInputElement);
  const pause = byId("pause", HTMLButtonElement);
  /** The oldest first. */
  let kept: Entry[] = [];
  let arrived: Entry[] = [];
  let hasChanged = true;
  const made = new WeakMap<Entry, HTMLTableRowElement>();
  const isPaused = (): boolean => pause.getAttribute("aria-pressed") === "true";
  const add = (entries: readonly Entry[]): void => {
    arrived = [...arrived, ...entries].slice(-MOST_KEPT);
  };
  const change = (): void => {
    hasChanged = true;
  };
  side.addEventListener("change", change);
  text.addEventListener("input", change);
  byId("filter", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  pause.addEventListener("click", () => pause.setAttribute("aria-pressed", String(!isPaused())));
  return {
    add: (list) => add(list.map((decision) => ({ decision, text: textOf(decision) }))),
    note: (words) => add([{ words }]),
    draw() {
      pause.textContent = isPaused() ? `Go on (${arrived.length} came)` : "Pause";
      if (!isPaused() && arrived.length > 0) {
        kept = [...kept, ...arrived].slice(-MOST_KEPT);
        arrived = [];
        hasChanged = true;
      }
      if (!hasChanged) return;
      hasChanged = false;
      const wanted = text.value.trim().toLowerCase();
      const chosen = kept.filter((entry) => isWanted(entry, side.value, wanted)).slice(-MOST_SHOWN);
      const shown = chosen.toReversed().map((entry) => {
        const row = made.get(entry) ?? renderEntry(entry);
        made.set(entry, row);
        return row;
      });
      syncChildren(rows, shown);
      empty.hidden = shown.length > 0;
      empty.textContent = kept.length === 0 ? "Nothing yet." : "None of the last decisions is like that.";
    },
  };
}

function isWanted(entry: Entry, side: string, text: string): boolean {
  if (!("decision" in entry)) return true;
  return (side === "" || sideOf(entry.decision) === side) && entry.text.includes(text);
}

function textOf(decision: Decision): string {
  return [subjectOf(decision), deciderOf(decision), answerOf(decision)].join(" ").toLowerCase();
}

function renderEntry(entry: Entry): HTMLTableRowElement {
  if (!("decision" in entry)) return h("tr", {}, h("td", { colspan: "5", class: "quiet" }, entry.words));
  const { decision } = entry;
  return h(
    "tr",
    { class: "fresh" },
    h("td", {}, h("time", { datetime: decision.time, title: decision.time }, clockOf(decision.time))),
    h("td", { "data-side": sideOf(decision) }, h("span", { class: "word" }, decision.decision)),
    h("td", { class: "name" }, subjectOf(decision)),
    h("td", { class: "name" }, deciderOf(decision)),
    h("td", { class: "name" }, answerOf(decision)),
  );
}

/** By the reader's own clock's zone. */
function clockOf(time: string): string {
  return new Date(time).toLocaleTimeString(undefined, { hour12: false });
}
