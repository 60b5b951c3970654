/** `egress serve`: settings, checks, deny-all, resolver, policy, API, in this order; then it runs until a signal. */
import { once } from "node:events";
import { createLog, type Log } from "../audit/log.ts";
import type { LoadedFrom } from "../audit/audit-log.ts";
import { readSettings, type Settings } from "../config.ts";
import { readResolvConf } from "../config/resolv-conf.ts";
import { type Upstream, upstreamKey } from "../config/upstream.ts";
import { readDohResolvers } from "../config/shipped-rules.ts";
import { readDenyAlways, watchAlwaysRules } from "../enforcement/always/always-rules.ts";
import { describe } from "../enforcement/errors.ts";
import { createPolicyStorage, loadPolicyFile } from "../enforcement/change/policy-file.ts";
import { openSandbox } from "../enforcement/sandbox.ts";
import { openDeltaSocket } from "../netfilter/io/delta-socket.ts";
import { isTableThere } from "../netfilter/io/find-table.ts";
import { readRulesetInForce } from "../netfilter/io/inspect.ts";
import { readUpstreamsInForce } from "../netfilter/io/read-upstreams.ts";
import { createNftApplier } from "../netfilter/io/nft.ts";
import { NOTHING_PRESENT } from "../netfilter/render-nft.ts";
import type { Policy } from "../policy/policy.ts";
import { type Problem, type Result, renderProblems } from "../policy/problem.ts";
import {
  createProtections,
  type ReportedProtection,
  RequiredProtectionError,
} from "../protections/protections.ts";
import { raiseMmapThreshold } from "../sys/process-memory.ts";
import { holdersFileBeside } from "../xdp/io/holders-file.ts";
import { EXIT } from "./exit-codes.ts";
import { keepMemorySmall } from "./keep-memory.ts";
import { createObservability } from "./observability.ts";
import { findObstacles } from "./preflight.ts";
import { VERSION } from "./version.ts";

/** How long an answer under way may take after a signal. */
const GRACE_MS = 1000;

/** Serves until SIGTERM or SIGINT; settles with the exit code. What stops the start is said on standard error. */
export async function serve(env: Readonly<Record<string, string | undefined>>): Promise<number> {
  raiseMmapThreshold();
  const settings = readSettings(env);
  if (!settings.ok) return refuse(settings.problems.map(({ path, message }) => `${path} ${message}`));
  const obstacles = findObstacles({ allowHostNetwork: settings.value.allowHostNetns });
  if (obstacles.length > 0) return refuse(obstacles);
  const resolved = await findUpstreams(settings.value.upstreams);
  if (!resolved.ok) return refuse(listProblems(resolved.problems));
  const denials = await readDenyAlways(settings.value.rulesDirectory);
  if (!denials.ok) return refuse(listProblems(denials.problems));

  const stop = new AbortController();
  // For good, not once: a child's runner (execa) sends the signal again where it finds nobody listening any more.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
  try {
    const log = createLog(settings.value);
    await runSidecar({ ...settings.value, upstreams: resolved.value }, log, stop.signal);
    await log.drain(GRACE_MS);
    return EXIT.ok;
  } catch (error) {
    return refuse(error instanceof RequiredProtectionError ? error.lines : [describe(error)]);
  }
}

type ReadySettings = Settings & { readonly upstreams: NonNullable<Settings["upstreams"]> };

async function runSidecar(settings: ReadySettings, log: Log, stop: AbortSignal): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const onFault = (message: string, error: unknown): void => log.logger.error({ err: error }, message);
  const isFresh = !isTableThere();
  const [first, found, doh] = await Promise.all([
    loadFirstPolicy(settings, log),
    isFresh ? undefined : readRulesetInForce(),
    settings.blockDoh ? readDohResolvers(settings.dohBlocklist) : undefined,
  ]);
  const protections = createProtections({
    required: settings.requiredProtections,
    onChange: (protection) => logProtection(log, protection),
  });
  const deltas = openDeltaSocket();
  undo.defer(() => deltas.close());
  const observability = createObservability(settings, log);
  undo.defer(() => observability.close(GRACE_MS));
  const opening = openSandbox({
    enforcementMode: settings.mode,
    maxRules: settings.maxRules,
    upstreams: settings.upstreams,
    timeoutMs: settings.upstreamTimeoutSeconds * 1000,
    bounds: settings,
    allowPrivateAnswers: settings.privateAnswers === "allow",
    exemptNameservers: settings.exemptNameservers,
    inboundUdp: settings.inboundUdp,
    api: settings.httpAddress,
    graceSeconds: settings.graceSeconds,
    probes: {
      qname: settings.probeName,
      intervalMs: settings.probeIntervalSeconds * 1000,
      probeFailed: (_upstream, line) => log.logger.warn(line),
    },
    doh,
    applier: createNftApplier({ deltas, present: isFresh ? NOTHING_PRESENT : undefined }),
    deltaPorts: [deltas.port],
    protections,
    queueHoldersFile: holdersFileBeside(settings.socketPath),
    isRulesetThere: found?.mode === settings.mode,
    storage: settings.policyFile === undefined ? undefined : createPolicyStorage(settings.policyFile),
    audit: observability.audit,
    recordDuration: observability.recordDuration,
    onFault,
  });
  // The API's modules take some 50 ms to load, while nft(8) loads the first ruleset.
  const api = import("./serve-api.ts");
  const sandbox = await opening;
  undo.defer(() => sandbox.close(GRACE_MS));
  await observability.start(sandbox, settings.upstreams);

  const always = await watchAlwaysRules(settings.rulesDirectory, {
    async apply(rules) {
      await sandbox.policy.setAlwaysRules(rules);
      log.setSkipList(rules.logSkip);
    },
    onProblems: (problems) => log.logger.error({ problems: listProblems(problems) }, "rule files not taken"),
  });
  undo.defer(() => always.close());
  log.setSkipList(always.initial.logSkip);
  await sandbox.start(first.policy, always.initial, first.from);

  const { openApi } = await api;
  const served = await openApi(settings, {
    control: sandbox.policy,
    onError: (error) => onFault("a request failed", error),
    renderMetrics: observability.renderMetrics,
    status: {
      version: VERSION,
      sandboxId: settings.sandboxId,
      uptimeSeconds: () => process.uptime(),
      report: sandbox.report,
      ruleFiles: always.latest,
      protections: protections.list,
      counters: observability.readCounts,
    },
  });
  undo.defer(() => served.close(GRACE_MS));
  if (!served.endsWithProcess) {
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
    { mode: settings.mode, address: settings.httpAddress, listening: served.listening, protections: states },
    "egress sidecar ready",
  );
  undo.defer(
    keepMemorySmall(() => {
      // Each check of our health asks, too: it is refused.
      const { denied, cacheHits, joined, forwarded } = sandbox.stats().lookups;
      return denied + cacheHits + joined + forwarded;
    }),
  );
  if (!stop.aborted) await once(stop, "abort");
  log.logger.info("stopping: the rules stay in the kernel");
}

/**
 * Those of the settings; else those of an earlier process, which stand in the kernel; else those of resolv.conf. A workload may share
 * that file with us and write it, and a restart must not hand it the choice of whom we believe; it only gives their order.
 */
async function findUpstreams(set: Settings["upstreams"]): Promise<Result<readonly Upstream[]>> {
  if (set !== undefined) return { ok: true, value: set };
  const inForce = readUpstreamsInForce();
  const written = await readResolvConf();
  if (inForce.length === 0) return written;
  const place = (upstream: Upstream): number =>
    written.ok ? written.value.findIndex((other) => upstreamKey(other) === upstreamKey(upstream)) : -1;
  return { ok: true, value: inForce.toSorted((one, other) => place(one) - place(other)) };
}

async function loadFirstPolicy(
  settings: Settings,
  log: Log,
): Promise<{ readonly policy: Policy; readonly from: LoadedFrom }> {
  const stored = settings.policyFile === undefined ? undefined : await loadPolicyFile(settings.policyFile);
  if (stored?.warning !== undefined) log.logger.warn(stored.warning);
  if (stored?.policy !== undefined) return { policy: stored.policy, from: "policy file" };
  return { policy: settings.rules, from: "environment" };
}

function logProtection({ logger }: Log, { name, ...protection }: ReportedProtection): void {
  const fields = { protection: name, ...protection };
  if (protection.state === "off") logger.warn(fields, "a protection is off");
  else logger.info(fields, "a protection is on again");
}

function listProblems(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => renderProblems([problem]));
}

function refuse(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`egress: ${line}\n`);
  return EXIT.config;
}
