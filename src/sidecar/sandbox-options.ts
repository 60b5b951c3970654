import type { Log } from "../audit/log.ts";
import { DEFAULT_CAPACITY } from "../enforcement/capacity.ts";
import { createPolicyStorage } from "../enforcement/change/io/policy-file.ts";
import type { SandboxOptions } from "../enforcement/sandbox.ts";
import type { DeltaSocket } from "../netfilter/io/delta-socket.ts";
import { createNftApplier } from "../netfilter/io/nft.ts";
import { NOTHING_PRESENT } from "../netfilter/render-nft.ts";
import type { Protections } from "../protections/protections.ts";
import { holdersFileBeside } from "../xdp/io/holders-file.ts";
import type { Observability } from "./observability.ts";
import type { Surroundings } from "./read-surroundings.ts";
import type { ReadySettings } from "./ready-settings.ts";

export interface SandboxParts {
  readonly surroundings: Surroundings;
  readonly protections: Protections;
  readonly deltas: DeltaSocket;
  readonly observability: Observability;
  readonly coupling: SandboxOptions["coupling"];
  readonly interception: SandboxOptions["interception"];
  readonly log: Log;
  readonly onFault: SandboxOptions["onFault"];
}

/** The settings in the words of the sandbox. */
export function toSandboxOptions(settings: ReadySettings, parts: SandboxParts): SandboxOptions {
  const { surroundings, deltas, observability, log } = parts;
  return {
    enforcementMode: settings.mode,
    maxRules: settings.maxRules,
    auditMode: settings.auditMode,
    upstreams: settings.upstreams,
    upstreamsAreSet: settings.upstreamsAreSet,
    timeoutMs: settings.upstreamTimeoutSeconds * 1000,
    capacity: DEFAULT_CAPACITY,
    bounds: settings,
    allowPrivateAnswers: settings.privateAnswers === "allow",
    exemptNameservers: settings.exemptNameservers,
    inboundUdp: settings.inboundUdp,
    wireNames: settings.wireNames,
    api: settings.httpAddress,
    graceSeconds: settings.graceSeconds,
    probes: {
      qname: settings.probeName,
      intervalMs: settings.probeIntervalSeconds * 1000,
      probeFailed: (_upstream, line) => log.logger.warn(line),
    },
    doh: surroundings.doh,
    applier: createNftApplier({ deltas, present: surroundings.isFresh ? NOTHING_PRESENT : undefined }),
    deltaPorts: [deltas.port],
    protections: parts.protections,
    queueHoldersFile: holdersFileBeside(settings.socketPath),
    isRulesetThere: surroundings.isRulesetThere,
    storage: settings.policyFile === undefined ? undefined : createPolicyStorage(settings.policyFile),
    coupling: parts.coupling,
    interception: parts.interception,
    audit: observability.audit,
    recordDuration: observability.recordDuration,
    onFault: parts.onFault,
  };
}
