/** What is in force: health, learned addresses, protections, upstreams. */
import type { Status } from "./api.ts";
import { byId, h } from "./dom.ts";

export function showFacts(status: Status): void {
  const { health, sandboxId, version, mode, enforcementMode, uptimeSeconds } = status;
  byId("facts", HTMLElement).replaceChildren(
    ...(sandboxId === undefined ? [] : [h("b", { class: "name" }, sandboxId), " "]),
    health.ok
      ? h("span", { class: "good" }, "enforced")
      : h("b", { class: "bad" }, `not enforced: ${health.reason ?? "no reason given"}`),
    ` · ${mode.replaceAll("_", " ")} · ${enforcementMode} · up ${renderSeconds(uptimeSeconds)} · ${version}`,
  );
}

export function showProtections({ protections, interfaces, ruleFileProblems, api }: Status): void {
  const shown = protections.map(({ name, state, reason, required }) =>
    renderFact(
      name,
      state === "on",
      `${state}${required ? ", required" : ""}${reason === undefined ? "" : `: ${reason}`}`,
    ),
  );
  const others = [
    ...interfaces.unguarded.map(({ name, reason }) =>
      renderFact(`interface ${name}`, false, `not guarded: ${reason}`),
    ),
    ...ruleFileProblems.map(({ path, message }) => renderFact(path, false, message)),
    ...(api.tcp
      ? []
      : [renderFact("API over TCP", false, `closed${api.reason === undefined ? "" : `: ${api.reason}`}`)]),
  ];
  byId("protection-list", HTMLElement).replaceChildren(...shown, ...others);
}

export function showUpstreams({ upstreams }: Status): void {
  const shown = upstreams.map(({ address, port, alive }) =>
    h(
      "li",
      {},
      h("span", { class: "name" }, address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`),
      " ",
      h("b", { class: alive ? "good" : "bad" }, alive ? "answers" : "does not answer"),
    ),
  );
  byId("upstream-list", HTMLElement).replaceChildren(...shown);
}

/** `isWhole`: as many as a call gives are shown already. */
export function showLearned({ learned }: Status, isWhole: boolean): void {
  const { total, bound, addresses } = learned;
  const more = total - addresses.length;
  const hidden = isWhole && more > 0 ? `; ${more} of them are not shown` : "";
  byId("learned-total", HTMLElement).textContent = `${total} of ${bound} at most are in force${hidden}.`;
  const rows = addresses.map(({ address, owners, secondsLeft, secondsUnused }) =>
    h(
      "tr",
      {},
      h("td", { class: "name" }, address),
      h("td", { class: "name" }, owners.join(", ")),
      h("td", { class: "nowrap" }, secondsLeft === undefined ? "" : renderSeconds(secondsLeft)),
      h("td", { class: "nowrap" }, renderSeconds(secondsUnused)),
    ),
  );
  byId("learned-rows", HTMLElement).replaceChildren(...rows);
  byId("learned-more", HTMLButtonElement).hidden = isWhole || more <= 0;
}

function renderFact(name: string, isGood: boolean, words: string): HTMLElement {
  return h("div", {}, h("dt", { class: "name" }, name), h("dd", { class: isGood ? "good" : "bad" }, words));
}

function renderSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}
