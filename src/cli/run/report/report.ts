/**
 * What a run tells of its command while it runs: each denial once, the moment it happens, and each lookup
 * that fails. A denied name that only the search list may have made waits a moment for the name that was
 * meant.
 */
import { SCOPE_PROTOCOLS } from "../../../policy/scope.ts";
import { renderWrittenRule } from "../../call/written-rule.ts";
import { createLedger, type Denied, type Failed } from "./ledger.ts";
import { isNoise, mayBecomeNoise } from "./search-list.ts";
import { readSighting, type Sighting, type Unjudged } from "./sighting.ts";
import type { Outcome } from "./summary.ts";
import type { Surroundings } from "./surroundings.ts";
import { nameOfOtherFlows } from "./words.ts";

export interface RunReport extends Disposable {
  /** Takes a line of the sidecar's log. */
  take(line: string): void;
  /** So far, without what only the search list has made; in the order in which it came. */
  outcome(): Outcome;
}

export interface RunReportOptions {
  readonly around: Surroundings;
  /** Called once for each name and address, and with `undefined` once if there are too many to tell. */
  readonly tell: (entry: Denied | Failed | undefined) => void;
  /** Called if connections are judged by their address alone, with the reason. */
  readonly tellUnjudged: (reason: string) => void;
}

/** Told one by one; what comes later is in the log and in the counts at the end. */
export const TOLD_AT_ONCE = 200;
/** How long a resolver takes from one name of the search list to the next, where the machine is busy. */
const NOISE_WAIT_MS = 500;

export function createRunReport({ around, tell, tellUnjudged }: RunReportOptions): RunReport {
  const ledger = createLedger();
  const waiting = new Map<string, NodeJS.Timeout>();
  let told = 0;

  const isHeard = (entry: Denied | Failed): boolean =>
    !isOfLookup(entry) || !isNoise(entry.subject, around.searchList, ledger);

  function tellOnce(entry: Denied | Failed): void {
    if (!isHeard(entry) || told > TOLD_AT_ONCE) return;
    told++;
    tell(told > TOLD_AT_ONCE ? undefined : entry);
  }

  function tellLater(entry: Denied): void {
    const timer = setTimeout(() => {
      waiting.delete(entry.subject);
      tellOnce(entry);
    }, NOISE_WAIT_MS);
    waiting.set(entry.subject, timer);
  }

  function add(sighting: Sighting | Unjudged): void {
    if (sighting.kind === "unjudged") return tellUnjudged(sighting.reason);
    const entry = ledger.add(sighting);
    if (entry === undefined) return;
    if (isOfLookup(entry) && mayBecomeNoise(entry.subject, around.searchList)) tellLater(entry);
    else tellOnce(entry);
  }

  return {
    take(line) {
      const sighting = readSighting(line);
      if (sighting !== undefined) add(sighting);
    },
    outcome: () => ({
      denied: ledger
        .denied()
        .filter(isHeard)
        .map((entry) => ({ ...entry, ...remedyFor(entry, around) })),
      others: ledger.others(),
      failed: ledger.failed().map(({ subject }) => subject),
    }),
    /** The summary has what still waits. */
    [Symbol.dispose]() {
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}

function isOfLookup(entry: Denied | Failed): entry is Denied {
  return entry.kind === "name" && entry.shownAt === undefined;
}

/** If a name is allowed and this flow to it is not, a rule for the flow opens less than its address would. */
function remedyFor(entry: Denied, around: Surroundings): Pick<Denied, "remedy"> {
  const target = nameOfOtherFlows(entry, around);
  const { transport, port } = entry.flow ?? {};
  const protocol = SCOPE_PROTOCOLS.find((one) => one === transport);
  if (target === undefined || protocol === undefined) return {};
  const [remedy] = renderWrittenRule({ target, protocol, ...(port === undefined ? {} : { ports: [port] }) });
  return remedy === undefined ? {} : { remedy };
}
