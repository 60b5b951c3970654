/**
 * The doctor: tries from inside a network namespace what a hostile workload would, and says what held.
 *
 * It needs no helper outside: see `evidence.ts` for how it knows what left. Packets go to addresses that are
 * kept for documentation, and to the resolvers of resolv.conf. Known limits: it tries what can be seen from
 * inside; forged answers, flows across a change of the policy, and callers from outside take somebody else,
 * and are tested in test/escape. What seccomp or the runtime stops it takes for held.
 */
import { Capability, keepCapabilities, readCapabilities } from "../sys/capabilities.ts";
import { advise } from "./advice.ts";
import type { Check } from "./check.ts";
import { CHECKS } from "./checks.ts";
import { isOperatorsPlace, judgePowers } from "./checks/powers.ts";
import { untried } from "./evidence.ts";
import type { Family, Finding, Outcome } from "./finding.ts";
import {
  hasOpenSettings,
  hasUserNamespaces,
  hasVsock,
  isAnswered,
  ownAddressTowards,
  readDevices,
} from "./io/surroundings.ts";
import { startWatch } from "./io/watch.ts";
import type { Place } from "./place.ts";
import { conclude, type Conclusion, type Report, type Row, type Signs, toRow } from "./report.ts";

export interface ExamineOptions {
  readonly nameservers: readonly string[];
  readonly apiPort: number;
  /** Of the sidecar's unix socket. */
  readonly socketPath: string | undefined;
  readonly canaries: readonly string[];
  /** One that the policy allows; without it what depends on one is not tried. */
  readonly allowedName: string | undefined;
  /** The caller says that it is not the workload. */
  readonly isOperator: boolean;
}

/** What Docker gives its containers: all that a workload of the model has. */
const WORKLOAD: ReadonlySet<number> = new Set([
  Capability.chown,
  Capability.dacOverride,
  Capability.fowner,
  Capability.fsetid,
  Capability.kill,
  Capability.setgid,
  Capability.setuid,
  Capability.setpcap,
  Capability.netBindService,
  Capability.netRaw,
  Capability.sysChroot,
  Capability.mknod,
  Capability.auditWrite,
  Capability.setfcap,
]);

const LIMIT_MS = 20_000;

/**
 * Gives up what a workload would not have, for good, and tries everything, 20 s at most and one attack more.
 */
export async function examine(
  options: ExamineOptions,
): Promise<{ report: Report; conclusion: Conclusion; isOperator: boolean }> {
  const capabilities = readCapabilities();
  const reachesSocket = await isAnswered(options.socketPath);
  const isOperator = options.isOperator || isOperatorsPlace({ capabilities, reachesSocket });
  keepCapabilities(WORKLOAD);
  const hasRaw = capabilities.effective.has(Capability.netRaw);

  const devices = readDevices();
  using watch = await startWatch(devices);
  const place: Place = { ...options, devices, watch, own: await findOwnAddresses() };
  const rows = [
    toRow("powers over rules and policy", "-", judgePowers({ capabilities, reachesSocket, isOperator })),
    ...(await runChecks(CHECKS, place, hasRaw)),
  ];
  const surroundings = {
    capabilities,
    hasVsock: hasVsock(),
    hasUserNamespaces: hasUserNamespaces(),
    hasOpenSettings: hasOpenSettings(),
  };
  const report = { who: whoTries(hasRaw, isOperator), rows, advice: isOperator ? [] : advise(surroundings) };
  return { report, conclusion: conclude(rows, signsOf(rows)), isOperator };
}

async function runChecks(checks: readonly Check[], place: Place, hasRaw: boolean): Promise<readonly Row[]> {
  const startMs = performance.now();
  const rows: Row[] = [];
  for (const check of checks) rows.push(toRow(check.name, check.row, await findingsOf(check)));
  return rows;

  function findingsOf(check: Check): Promise<readonly Finding[]> | readonly Finding[] {
    if (check.needsRaw === true && !hasRaw) return cannot("this process has no CAP_NET_RAW");
    if (performance.now() - startMs > LIMIT_MS) return cannot("the time was up");
    return check.run(place);
  }
}

function cannot(why: string): readonly Finding[] {
  return [{ what: "", ...untried(why) }];
}

async function findOwnAddresses(): Promise<Readonly<Record<Family, string | undefined>>> {
  return {
    IPv4: await ownAddressTowards("203.0.113.9"),
    IPv6: await ownAddressTowards("2001:db8:ffff::9"),
  };
}

function whoTries(hasRaw: boolean, isOperator: boolean): string {
  const as = `tried as the workload, ${hasRaw ? "with" : "without"} CAP_NET_RAW`;
  return isOperator ? `${as}, from the operator's place` : as;
}

function signsOf(rows: readonly Row[]): Signs {
  const outcomeOf = (name: string): Outcome => rows.find((row) => row.name === name)?.outcome ?? "untried";
  return {
    lookups: outcomeOf("another resolver over UDP"),
    connections: outcomeOf("TCP to a denied address"),
    // No policy allows these.
    always: [
      outcomeOf("forged source"),
      outcomeOf("raw frames"),
      outcomeOf("changing the policy without the token"),
    ],
  };
}
