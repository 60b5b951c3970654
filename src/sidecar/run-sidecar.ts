/**
 * The product's composition root: the parts of one sidecar, opened in order and closed in reverse. Settings and obstacles have been checked.
 *
 * Order: what is there, deny-all with resolver and rules, observability, the operator's rules, the first policy, the API.
 */
import { once } from "node:events";
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import { type AlwaysRulesWatch, watchAlwaysRules } from "../enforcement/always/io/always-rules.ts";
import { openSandbox, type Sandbox } from "../enforcement/sandbox.ts";
import { openDeltaSocket } from "../netfilter/io/delta-socket.ts";
import { type Problem, renderProblems } from "../policy/problem.ts";
import { createProtections, type Protections, type ReportedProtection } from "../protections/protections.ts";
import { keepMemorySmall } from "./keep-memory.ts";
import { createObservability, type Observability } from "./observability.ts";
import type { ApiSources, OpenApi } from "./open-api.ts";
import type { ReadySettings } from "./ready-settings.ts";
import { readSurroundings } from "./read-surroundings.ts";
import { toSandboxOptions } from "./sandbox-options.ts";
import { VERSION } from "./version.ts";

/** How long an answer under way may take after a signal. */
export const GRACE_MS = 1000;

/** Runs until `stop`. Throws what a part throws that cannot be opened; the kernel's rules stay in any case. */
export async function runSidecar(settings: ReadySettings, log: Log, stop: AbortSignal): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const onFault = (message: string, error: unknown): void => log.logger.error({ err: error }, message);
  const surroundings = await readSurroundings(settings, log);
  const protections = createProtections({
    required: settings.requiredProtections,
    onChange: (protection) => logProtection(log, protection),
  });
  const deltas = openDeltaSocket();
  undo.defer(() => deltas.close());
  const observability = createObservability(settings, log);
  undo.defer(() => observability.close(GRACE_MS));
  const parts = { surroundings, protections, deltas, observability, log, onFault };
  const opening = openSandbox(toSandboxOptions(settings, parts));
  // The API's modules take some 50 ms to load, while nft(8) loads the first ruleset.
  const loadingApi = import("./open-api.ts");
  const sandbox = await opening;
  undo.defer(() => sandbox.close(GRACE_MS));
  await observability.start(sandbox, settings.upstreams);
  const always = await watchRuleFiles(settings.rulesDirectory, sandbox, log);
  undo.defer(() => always.close());
  const { first } = surroundings;
  await sandbox.start(first.policy, always.initial, first.from);
  const { openApi } = await loadingApi;
  const api = await openApi(
    settings,
    describeApi(settings, { sandbox, observability, protections, always, onFault }),
  );
  undo.defer(() => api.close(GRACE_MS));
  announce(settings, api, { log, protections });
  undo.defer(keepMemorySmall(() => countLookups(sandbox)));
  if (!stop.aborted) await once(stop, "abort");
  log.logger.info("stopping: the rules stay in the kernel");
}

async function watchRuleFiles(folder: string, sandbox: Sandbox, log: Log): Promise<AlwaysRulesWatch> {
  const always = await watchAlwaysRules(folder, {
    async apply(rules) {
      await sandbox.policy.setAlwaysRules(rules);
      log.setSkipList(rules.logSkip);
    },
    onProblems: (problems) => log.logger.error({ problems: listProblems(problems) }, "rule files not taken"),
  });
  log.setSkipList(always.initial.logSkip);
  return always;
}

interface DescribedParts {
  readonly sandbox: Sandbox;
  readonly observability: Observability;
  readonly protections: Protections;
  readonly always: AlwaysRulesWatch;
  readonly onFault: (message: string, error: unknown) => void;
}

function describeApi(
  { sandboxId }: Settings,
  { sandbox, observability, protections, always, onFault }: DescribedParts,
): ApiSources {
  return {
    control: sandbox.policy,
    onError: (error) => onFault("a request failed", error),
    renderMetrics: observability.renderMetrics,
    status: {
      version: VERSION,
      sandboxId,
      uptimeSeconds: () => process.uptime(),
      report: sandbox.report,
      ruleFiles: always.latest,
      protections: protections.list,
      counters: observability.readCounts,
    },
  };
}

function announce(
  settings: ReadySettings,
  { endsWithProcess, listening }: OpenApi,
  { log, protections }: { readonly log: Log; readonly protections: Protections },
): void {
  if (!endsWithProcess) {
    log.logger.warn(
      "this kernel's nf_tables know no owners (Linux 5.12): should the sidecar be killed, a process of the sandbox may take its API's place until it is back",
    );
  }
  if (settings.token === undefined && !settings.allowLocalWrites) {
    log.logger.warn(
      "no OPENSANDBOX_EGRESS_TOKEN is set: anyone outside this network namespace who reaches the API may change the policy",
    );
  }
  const states = Object.fromEntries(protections.list().map(({ name, state }) => [name, state]));
  log.logger.info(
    { mode: settings.mode, address: settings.httpAddress, listening, protections: states },
    "egress sidecar ready",
  );
}

/** Of the workload. Each check of our health asks, too: it is refused. */
function countLookups(sandbox: Sandbox): number {
  const { denied, cacheHits, joined, forwarded } = sandbox.stats().lookups;
  return denied + cacheHits + joined + forwarded;
}

function logProtection({ logger }: Log, { name, ...protection }: ReportedProtection): void {
  const fields = { protection: name, ...protection };
  if (protection.state === "off") logger.warn(fields, "a protection is off");
  else logger.info(fields, "a protection is on again");
}

/** One line each. */
export function listProblems(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => renderProblems([problem]));
}
