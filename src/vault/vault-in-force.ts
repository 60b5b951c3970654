/**
 * The vault as the interception reads it: an immutable value that answers which binding a request gets.
 *
 * A request asks `vault.inForce()` once, when its head is complete, and uses that value to its end. A change
 * makes a new value, which the next request gets. Not here: paths that could be read in two ways, which the
 * gate refuses before it asks.
 */
import type { DomainName } from "../policy/domain-name.ts";
import { ANY_METHOD, type Binding, type Scheme, SCHEME_PORTS } from "./binding.ts";
import { matchesHost } from "./host-pattern.ts";
import type { Secret } from "./secret.ts";

export interface RequestTarget {
  readonly scheme: Scheme;
  /** Lower case, without port and trailing dot. */
  readonly host: DomainName;
  /** Upper case. */
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

/**
 * `none`: the request goes on unchanged. `ambiguous` (two of them are told), or a binding that is
 * `unavailable`: it must not go on.
 */
export type BindingVerdict =
  | { readonly kind: "none" }
  | { readonly kind: "ambiguous"; readonly bindings: readonly [Binding, Binding] }
  | { readonly kind: "bound"; readonly binding: Binding };

export interface VaultInForce {
  /** As the API shows it; 0 if there is no vault. */
  readonly revision: number;
  /** Differs for every value, also across delete and create and after a source is refreshed. */
  readonly tag: number;
  readonly hasBindings: boolean;
  readonly bindings: readonly Binding[];
  /** Every value of every credential, and every header made of one. */
  readonly secrets: readonly Secret[];
  /**
   * Whether a binding names the host, or a wildcard of one covers it; also while that binding is unavailable.
   */
  isBoundHost(host: DomainName): boolean;
  /** The same at this port: a binding of one scheme leaves the flows of the other as they are. */
  isBoundAt(host: DomainName, port: number): boolean;
  /**
   * It costs as much as the host has labels, and bindings that name it. An exact host wins over a wildcard.
   */
  findBinding(target: RequestTarget): BindingVerdict;
  /** False from the change on that deletes it. */
  hasCredential(id: number): boolean;
}

export interface VaultContent {
  readonly revision: number;
  readonly tag: number;
  readonly bindings: readonly Binding[];
  readonly credentialIds: ReadonlySet<number>;
  readonly secrets: readonly Secret[];
}

export const NO_VAULT: VaultInForce = createVaultInForce({
  revision: 0,
  tag: 0,
  bindings: [],
  credentialIds: new Set(),
  secrets: [],
});

export function createVaultInForce(content: VaultContent): VaultInForce {
  const { revision, tag, bindings, credentialIds, secrets } = content;
  const exact = indexHosts(bindings, "exact");
  const below = indexHosts(bindings, "wildcard");
  return {
    revision,
    tag,
    hasBindings: bindings.length > 0,
    bindings,
    secrets,
    isBoundHost: (host) => exact.has(host) || suffixesOf(host).some((suffix) => below.has(suffix)),
    isBoundAt: (host, port) =>
      [host, ...suffixesOf(host)].some((name) =>
        (name === host ? exact : below)
          .get(name)
          ?.some(({ match }) => match.schemes.some((scheme) => SCHEME_PORTS[scheme] === port)),
      ),
    findBinding(target) {
      const named = matching(exact.get(target.host) ?? [], target);
      if (named.kind !== "none") return named;
      return matching(
        suffixesOf(target.host).flatMap((suffix) => below.get(suffix) ?? []),
        target,
      );
    },
    hasCredential: (id) => credentialIds.has(id),
  };
}

/** Whether the name is among the binding's hosts. The caller takes it from the client's handshake (SNI). */
export function coversHost({ match }: Binding, name: DomainName): boolean {
  return match.hosts.some((pattern) => matchesHost(pattern, name));
}

/** `/repos/*` matches what begins with `/repos/`; only a final `*` is special. */
function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

const NONE: BindingVerdict = { kind: "none" };

/** A binding may be among them twice, by two wildcards. */
function matching(candidates: readonly Binding[], target: RequestTarget): BindingVerdict {
  let found: Binding | undefined;
  for (const binding of candidates) {
    if (binding === found || !matches(binding, target)) continue;
    if (found !== undefined) return { kind: "ambiguous", bindings: [found, binding] };
    found = binding;
  }
  return found === undefined ? NONE : { kind: "bound", binding: found };
}

function matches({ match }: Binding, { scheme, method, path }: RequestTarget): boolean {
  return (
    match.schemes.includes(scheme) &&
    (match.methods.includes(method) || match.methods.includes(ANY_METHOD)) &&
    match.paths.some((pattern) => matchesPath(pattern, path))
  );
}

function indexHosts(
  bindings: readonly Binding[],
  kind: "exact" | "wildcard",
): ReadonlyMap<string, Binding[]> {
  const index = new Map<string, Binding[]>();
  for (const binding of bindings) {
    for (const host of binding.match.hosts) {
      if (host.kind !== kind) continue;
      const there = index.get(host.name);
      if (there === undefined) index.set(host.name, [binding]);
      else if (!there.includes(binding)) there.push(binding);
    }
  }
  return index;
}

/** `a.b.c` lies below `b.c` and `c`. */
function suffixesOf(host: DomainName): readonly string[] {
  const suffixes: string[] = [];
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    suffixes.push(host.slice(dot + 1));
  }
  return suffixes;
}
