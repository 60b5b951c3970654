/**
 * What is made once for a value of the vault: what looks for its secrets in answers, and for its placeholders
 * in requests.
 */
import type { DomainName } from "../policy/domain-name.ts";
import type { Steps } from "../policy/steps.ts";
import { makeField } from "../relay/gate/field.ts";
import type { Binding, Substitution } from "../vault/binding.ts";
import { coversHost, type VaultInForce } from "../vault/vault-in-force.ts";
import { createRedactor, type Redactor, redactorSteps } from "./redactor.ts";
import { createRequestFiller, type RequestFiller, requestFillerSteps } from "./request-filler.ts";
import { createWatch, type Watch, watchSteps } from "./watch.ts";

export interface PreparedVault {
  readonly vault: VaultInForce;
  /** Counts them: the next one has one more. */
  readonly order: number;
  /** By the secrets that they look for. */
  readonly redactors: ReadonlyMap<string, Redactor>;
  /** Whether all that requests to the host need is made. */
  isReady(host: DomainName): boolean;
  prepareSteps(host: DomainName): Steps<void>;
  fillerOf(binding: Binding | undefined): RequestFiller | undefined;
  /** Undefined for a host that nothing is bound to. What is not made yet is made at once. */
  redactorOf(host: DomainName): Redactor | "too large" | undefined;
}

export interface PreparedVaults {
  /** Of the vault in force. */
  of(vault: VaultInForce): PreparedVault;
  isOf(vault: VaultInForce): boolean;
  /**
   * Gives the latest redactor of the host that an answer needs which began when `first` was that: requests
   * since then may have brought other secrets to the host. One that nobody has prepared has brought none.
   */
  follow(host: DomainName, since: PreparedVault, first: Redactor): () => Redactor;
}

export function createPreparedVaults(): PreparedVaults {
  let known: PreparedVault | undefined;
  /** The one before: requests may have gone out by it that an answer has not heard of. */
  let before: PreparedVault | undefined;
  return {
    of(vault) {
      if (known?.vault === vault) return known;
      before = known;
      known = prepareVault(vault, before);
      return known;
    },
    isOf: (vault) => known?.vault === vault,
    follow(host, since, first) {
      let looked = since;
      let latest = first;
      function look(at: PreparedVault): void {
        looked = at;
        const next = at.redactorOf(host);
        // A secret that answers could not be looked through for does not go out.
        if (next !== undefined && next !== "too large") latest = next;
      }
      return () => {
        if (known === undefined || known === looked) return latest;
        if (known.isReady(host)) look(known);
        else if (looked !== before && before?.isReady(host) === true) look(before);
        // Values of the vault may have come and gone between the two.
        else if (looked.order + 2 < known.order) look(known);
        return latest;
      };
    },
  };
}

/**
 * Of all secrets that are looked for, former values too, and of all placeholders. Former values have what the
 * present ones of all bindings leave, the latest first: no request is refused for their sake. Each octet
 * takes about 0.6 kB of memory, besides some MiB for each host's secrets, and 4 us to prepare, since every
 * form is looked for: more would end the process.
 */
export const MOST_OCTETS = 256 << 10;

/** Whose plans are remembered. */
const MOST_HOSTS = 1024;

interface Plan {
  readonly key: string;
  readonly secrets: readonly string[];
}

/** Which secrets are to be looked for in the answers of a host. */
function planHosts(
  { bindings }: VaultInForce,
  placeholderOctets: number,
): (host: DomainName) => Plan | "too large" | undefined {
  const byHosts = new Map<DomainName, Plan | "too large" | undefined>();
  const byNames = new Map<string, Plan | "too large">();
  const byKeys = new Map<string, Plan>();
  let octets = placeholderOctets;
  const present = distinct(bindings.flatMap(({ secrets }) => secrets.map((secret) => secret.reveal())));
  let roomForFormer = MOST_OCTETS - placeholderOctets - octetsOf(present);

  /** Those that there is room for. */
  function takeFormer(own: readonly Binding[], secrets: readonly string[]): readonly string[] {
    const ages = Math.max(...own.map(({ former }) => former.length));
    const texts = Array.from({ length: ages }, (_, age) => own.flatMap(({ former }) => former[age] ?? []));
    const others = distinct(texts.flat().map((secret) => secret.reveal()));
    return others.filter((text) => {
      const more = Buffer.byteLength(text);
      if (secrets.includes(text) || more > roomForFormer || octets + more > MOST_OCTETS) return false;
      roomForFormer -= more;
      octets += more;
      return true;
    });
  }

  function planFor(own: readonly Binding[]): Plan | "too large" {
    const secrets = own.flatMap((one) => one.secrets.map((secret) => secret.reveal()));
    const former = own.map((one) => one.former.map((texts) => texts.map((secret) => secret.reveal())));
    const allOfThem = JSON.stringify([secrets, former]);
    const known = byKeys.get(allOfThem);
    if (known !== undefined) return known;
    const more = octetsOf(secrets);
    if (octets + more > MOST_OCTETS) return "too large";
    octets += more;
    const all = [...secrets, ...takeFormer(own, secrets)];
    const plan: Plan = { key: JSON.stringify(all), secrets: all };
    byKeys.set(allOfThem, plan);
    return plan;
  }

  function findPlan(host: DomainName): Plan | "too large" | undefined {
    const own = bindings.filter((one) => coversHost(one, host));
    if (own.length === 0) return undefined;
    const names = JSON.stringify(own.map(({ name }) => name));
    const plan = byNames.get(names) ?? planFor(own);
    byNames.set(names, plan);
    return plan;
  }

  return (host) => {
    if (byHosts.has(host)) return byHosts.get(host);
    const plan = findPlan(host);
    if (byHosts.size >= MOST_HOSTS) byHosts.clear();
    byHosts.set(host, plan);
    return plan;
  };
}

function prepareVault(vault: VaultInForce, before: PreparedVault | undefined): PreparedVault {
  const placeholders = vault.bindings.flatMap(({ substitutions }) =>
    substitutions.map(({ placeholder }) => placeholder),
  );
  const planOf = planHosts(vault, octetsOf(placeholders));
  const redactors = new Map<string, Redactor>();
  // Redactors for the same secrets stay: they take long to make.
  const earlier = before?.redactors ?? new Map<string, Redactor>();
  let watch: Watch | undefined;
  const substituting = vault.bindings.filter(({ substitutions }) => substitutions.length > 0);
  /** By the binding; what others and requests without one need is under `undefined`. */
  const fillers = new Map<Binding | undefined, RequestFiller>();
  /** Without placeholders there is nothing to look for. */
  let hasFillers = placeholders.length === 0;

  function* fillersSteps(): Steps<void> {
    watch ??= yield* watchSteps(distinct(placeholders));
    for (const binding of [undefined, ...substituting]) {
      yield;
      const filler =
        fillers.get(binding) ??
        (yield* requestFillerSteps(substitutionsOf(binding), watch, namedBy(binding)));
      fillers.set(binding, filler);
    }
    hasFillers = true;
  }

  function madeFor(plan: Plan): Redactor | undefined {
    const made = redactors.get(plan.key) ?? earlier.get(plan.key);
    if (made !== undefined) redactors.set(plan.key, made);
    return made;
  }

  return {
    vault,
    order: (before?.order ?? 0) + 1,
    redactors,
    fillerOf(binding) {
      if (placeholders.length === 0) return undefined;
      const own = binding?.substitutions.length === 0 ? undefined : binding;
      watch ??= createWatch(distinct(placeholders));
      const filler = fillers.get(own) ?? createRequestFiller(substitutionsOf(own), watch, namedBy(own));
      fillers.set(own, filler);
      return filler;
    },
    isReady(host) {
      const plan = planOf(host);
      if (plan === undefined || plan === "too large") return true;
      return hasFillers && madeFor(plan) !== undefined;
    },
    *prepareSteps(host) {
      const plan = planOf(host);
      if (plan === undefined || plan === "too large") return;
      if (!hasFillers) yield* fillersSteps();
      if (madeFor(plan) === undefined) redactors.set(plan.key, yield* redactorSteps(plan.secrets));
    },
    redactorOf(host) {
      const plan = planOf(host);
      if (plan === undefined || plan === "too large") return plan;
      const redactor = madeFor(plan) ?? createRedactor(plan.secrets);
      redactors.set(plan.key, redactor);
      return redactor;
    },
  };
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

function octetsOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function substitutionsOf(binding: Binding | undefined): readonly ReturnType<typeof toSubstitution>[] {
  return binding?.substitutions.map(toSubstitution) ?? [];
}

/** Headers that the binding sets: what a request has in them is taken out, so nobody keeps it. */
function namedBy(binding: Binding | undefined): ReadonlySet<string> {
  return new Set(binding?.headers.map(({ name }) => makeField(name, "").key));
}

/** A credential without a value has the request refused before. */
function toSubstitution({ placeholder, credential, surfaces }: Substitution): {
  readonly placeholder: string;
  readonly value: string;
  readonly places: typeof surfaces;
} {
  return { placeholder, value: credential.value?.reveal() ?? "", places: surfaces };
}
