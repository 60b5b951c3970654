/** The page: its parts, and what keeps them fresh. */
import { sideOf } from "../model/decision.ts";
import { createTimeline } from "../model/timeline.ts";
import { createApi } from "./api.ts";
import { createAuditPanel } from "./audit-panel.ts";
import { createChangeDialog } from "./change-dialog.ts";
import { createDecisionsPanel } from "./decisions-panel.ts";
import { createDeniedPanel } from "./denied-panel.ts";
import { byId } from "./dom.ts";
import { createExplainPanel } from "./explain-panel.ts";
import { followDecisions } from "./feed.ts";
import { createTimelinePlot } from "./plot.ts";
import { createPolicyPanel } from "./policy-panel.ts";
import { createSession } from "./session.ts";
import { showFacts, showLearned, showProtections, showUpstreams } from "./status-panels.ts";

const DRAW_EVERY_MS = 250;
const LOOK_EVERY_MS = 3000;
const LEARNED_FIRST = 100;
const LEARNED_MOST = 1000;
/** The sidecar's clock is known by the header `Date`, which has whole seconds. */
const CLOCK_ERROR_MS = 1000;

const api = createApi(createSession());
const propose = createChangeDialog(api);
const timeline = createTimeline();
const plot = createTimelinePlot(timeline);
const decisions = createDecisionsPanel();
const explainer = createExplainPanel(api, propose, look);
const denied = createDeniedPanel({ allow: (target) => void allow(target), explain: explainer.explain });
const policy = createPolicyPanel(api, propose, look);
const audit = createAuditPanel(api, look);
const problem = byId("problem", HTMLElement);
const live = byId("live", HTMLElement);
const more = byId("learned-more", HTMLButtonElement);

/** The sidecar's clock less ours: what it tells is counted by its own. */
let clockAheadMs = 0;
let learnedLimit = LEARNED_FIRST;
const nowMs = (): number => Date.now() + clockAheadMs;

async function look(): Promise<void> {
  const answer = await api.status(learnedLimit);
  problem.hidden = answer.ok;
  if (!answer.ok) {
    problem.textContent = answer.message;
    return;
  }
  if (!Number.isNaN(answer.dateMs)) clockAheadMs = answer.dateMs - Date.now();
  const status = answer.value;
  showFacts(status);
  audit.show(status);
  showProtections(status);
  showUpstreams(status);
  showLearned(status, learnedLimit === LEARNED_MOST);
  await policy.follow(status.layers);
}

async function allow(target: string): Promise<void> {
  const isMade = await propose({
    title: `Allow ${target}?`,
    note: "The rule goes before all others.",
    change: { kind: "merge", rules: [{ action: "allow", target }] },
  });
  if (!isMade) return;
  denied.forget(target, nowMs() + CLOCK_ERROR_MS);
  await look();
}

async function keepLooking(): Promise<never> {
  for (;;) {
    if (document.visibilityState === "visible") await look();
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

more.addEventListener("click", () => {
  learnedLimit = LEARNED_MOST;
  void look();
});

setInterval(() => {
  decisions.draw();
  denied.draw();
  plot.draw(nowMs());
}, DRAW_EVERY_MS);

void keepLooking();
void followDecisions(api, {
  decisions(list) {
    decisions.add(list);
    for (const decision of list) {
      timeline.count(sideOf(decision), Date.parse(decision.time), nowMs());
      denied.count(decision);
    }
  },
  gap: (words) => decisions.note(words),
  state(state) {
    live.dataset["state"] = state;
    live.textContent = state === "live" ? "Live" : "No connection: trying again";
  },
});
