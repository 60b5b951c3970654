/**
 * What `GET /status` tells. It costs by what it shows: of each list of rules and problems the first {@link
 * SHOWN}, of the learned addresses one page. Nothing of it is secret to those who may read the policy.
 */
import type { AlwaysRulesReading } from "../enforcement/always/io/always-rules.ts";
import type { LearnedAddress } from "../learned/pages.ts";
import type { Health, PolicyControl } from "../enforcement/change/policy-control.ts";
import type { PageRequest, SandboxReport } from "../enforcement/sandbox-report.ts";
import { renderAddress, renderIpv6 } from "../policy/address.ts";
import { type Policy, renderPolicy } from "../policy/policy.ts";
import { oneLine, type Problem } from "../policy/problem.ts";
import { renderRule, type Rule } from "../policy/rule.ts";
import type { Target } from "../policy/target.ts";
import type { ListedProtection } from "../protections/protections.ts";
import { describeState } from "./policy/reply.ts";

/** Who tells the parts. */
export interface StatusSources {
  readonly version: string;
  readonly sandboxId: string | undefined;
  readonly uptimeSeconds: () => number;
  readonly report: (page: PageRequest) => SandboxReport;
  readonly ruleFiles: () => AlwaysRulesReading;
  readonly protections: () => readonly ListedProtection[];
  /** Undefined before the API has tried to open its TCP port. */
  readonly tcpState: () => { readonly isOpen: boolean; readonly reason?: string } | undefined;
  /** By the metrics' names. */
  readonly counters: () => Readonly<Record<string, number>>;
}

const SHOWN = 1000;

/** Keys stand in the order that people read them in. */
export async function describeStatus(
  control: Pick<PolicyControl, "snapshot" | "health" | "isAudit">,
  sources: StatusSources,
  page: PageRequest,
): Promise<object> {
  const health = describeHealth(await control.health());
  // From here on all is of one instant.
  const snapshot = control.snapshot();
  const { layers, unreadRules, generation, interfaces, upstreams, resolver, learned } = sources.report(page);
  const { rules, files, problems } = sources.ruleFiles();
  const { sandboxId } = sources;
  return {
    ...describeState(snapshot),
    version: sources.version,
    ...(sandboxId === undefined ? {} : { sandboxId }),
    uptimeSeconds: Math.floor(sources.uptimeSeconds()),
    health,
    audit: { enabled: control.isAudit() },
    ...(generation === undefined ? {} : { generation }),
    layers: {
      denyAlways: describeTargets(layers.denyAlways),
      allowAlways: describeTargets(layers.allowAlways),
      user: { ...describeRules(layers.user), etag: snapshot.etag, ...describeUnread(unreadRules) },
      logSkip: describeTargets(rules.logSkip),
    },
    ruleFiles: files,
    ruleFileProblems: problems.slice(0, SHOWN).map(describeProblem),
    protections: sources.protections(),
    api: describeApi(sources.tcpState()),
    interfaces,
    upstreams,
    resolver,
    learned: {
      total: learned.total,
      bound: learned.bound,
      addresses: learned.addresses.map(describeAddress),
      ...(learned.next === undefined ? {} : { next: String(learned.next) }),
    },
    counters: sources.counters(),
  };
}

function describeHealth(health: Health): Health {
  return health.ok ? health : { ok: false, reason: oneLine(health.reason) };
}

function describeApi(tcp: ReturnType<StatusSources["tcpState"]>): object {
  return { tcp: tcp?.isOpen === true, ...(tcp?.reason === undefined ? {} : { reason: oneLine(tcp.reason) }) };
}

function describeTargets(targets: readonly Target[]): object {
  return { total: targets.length, shown: targets.slice(0, SHOWN).map(({ text }) => text) };
}

function describeRules({ defaultAction, egress }: Policy): object {
  const shown = renderPolicy({ defaultAction, egress: egress.slice(0, SHOWN) }).egress;
  return { total: egress.length, shown, defaultAction };
}

function describeUnread(rules: readonly Rule[]): object {
  return rules.length === 0 ? {} : { unread: rules.slice(0, SHOWN).map(renderRule) };
}

function describeProblem({ path, message }: Problem): Problem {
  return { path, message: oneLine(message) };
}

function describeAddress({ octets, owners, leftMs, unusedMs }: LearnedAddress): object {
  const address = octets.length === 4 ? renderAddress(octets) : renderIpv6(octets);
  const left = leftMs === undefined ? {} : { secondsLeft: Math.floor(leftMs / 1000) };
  return { address, owners, ...left, secondsUnused: Math.floor(unusedMs / 1000) };
}
