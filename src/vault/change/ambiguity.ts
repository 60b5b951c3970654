import { quote } from "../../policy/problem.ts";
import type { Steps } from "../../policy/steps.ts";
import { ANY_METHOD, type BindingMatch } from "../binding.ts";
import { type HostPattern, renderHostPattern } from "../host-pattern.ts";
import type { NewBinding } from "../request/vault-request.ts";

/**
 * Two bindings that could match one request while neither names its host more exactly than the other; in one
 * line. A step for each two that have a host in common.
 */
export function* ambiguitySteps(bindings: readonly NewBinding[]): Steps<string | undefined> {
  // From the shortest: of two wildcards, the one that covers the other comes first.
  const entries = bindings
    .flatMap((binding) => binding.match.hosts.map((host) => ({ host, binding })))
    .toSorted((one, other) => one.host.name.length - other.host.name.length);
  const index = new Map<string, NewBinding[]>();
  const apart = new Map<NewBinding, Set<NewBinding>>();
  for (const { host, binding } of entries) {
    const known = setOf(apart, binding);
    for (const other of coveringPatterns(host).flatMap((pattern) => index.get(pattern) ?? [])) {
      if (other === binding || known.has(other)) continue;
      if (overlap(binding.match, other.match)) {
        return `bindings ${quote(other.name)} and ${quote(binding.name)} are ambiguous: both could match a request to ${quote(renderHostPattern(host))}`;
      }
      known.add(other);
      setOf(apart, other).add(binding);
      yield;
    }
    const pattern = renderHostPattern(host);
    const there = index.get(pattern);
    if (there === undefined) index.set(pattern, [binding]);
    else there.push(binding);
  }
  return undefined;
}

/** The pattern itself, and the wildcards above it: `*.b.c` and `*.c` cover what `*.a.b.c` does. */
function coveringPatterns(host: HostPattern): readonly string[] {
  if (host.kind === "exact") return [host.name];
  const labels = host.name.split(".");
  return labels.map((_label, index) => `*.${labels.slice(index).join(".")}`);
}

function overlap(one: BindingMatch, other: BindingMatch): boolean {
  return (
    one.schemes.some((scheme) => other.schemes.includes(scheme)) &&
    methodsOverlap(one.methods, other.methods) &&
    one.paths.some((path) => other.paths.some((against) => pathsOverlap(path, against)))
  );
}

function methodsOverlap(one: readonly string[], other: readonly string[]): boolean {
  if (one.includes(ANY_METHOD) || other.includes(ANY_METHOD)) return true;
  return one.some((method) => other.includes(method));
}

function pathsOverlap(one: string, other: string): boolean {
  return one === other || isBeginningOf(one, other) || isBeginningOf(other, one);
}

/** Whether the pattern ends in `*` and matches what the other does, in part or in whole. */
function isBeginningOf(pattern: string, other: string): boolean {
  return pattern.endsWith("*") && other.startsWith(pattern.slice(0, -1));
}

function setOf<K, T>(map: Map<K, Set<T>>, key: K): Set<T> {
  const there = map.get(key) ?? new Set();
  map.set(key, there);
  return there;
}
