/**
 * Rules for requests, and the hosts whose requests are read: whether the rules of a change can be served, and
 * what a change of the bindings makes of those that are in force.
 */
import { type CompiledPolicy, compileSteps } from "../../policy/compile.ts";
import { ALL_READ, describeRead, type IsRead } from "../../policy/http-flows.ts";
import { neededPortsOf, schemeAt } from "../../policy/http-scope.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { type Problem, quote } from "../../policy/problem.ts";
import type { Rule } from "../../policy/rule.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { ApplyError } from "../errors.ts";
import type { BindingsChange } from "../../vault/vault-control.ts";
import type { PolicyEdit } from "./policy-control.ts";

/** The first rule of a change that needs a binding and has none. */
export function findUnreadRule(edit: PolicyEdit, isRead: IsRead): Problem | undefined {
  if (edit.kind === "remove") return undefined;
  const [rules, place] = edit.kind === "merge" ? [edit.rules, ""] : [edit.policy.egress, "egress"];
  for (const [index, rule] of rules.entries()) {
    const message = describeUnread(rule, isRead);
    if (message !== undefined) return { path: `${place}[${index}].http`, message };
  }
  return undefined;
}

function describeUnread({ target, scope }: Rule, isRead: IsRead): string | undefined {
  if (scope?.http === undefined) return undefined;
  const port = neededPortsOf(scope).find((one) => !isRead(target, one));
  if (port === undefined) return undefined;
  return `requests to ${quote(target.text)} over ${schemeAt(port)} are not read: allow it without http, bind it by POST or PATCH /credential-vault, then send this again`;
}

export interface ReadHostsPorts {
  readonly layers: () => PolicyLayers;
  /** Without audit mode. */
  readonly active: () => CompiledPolicy;
  /** The hosts by which the layers are in force. */
  readonly readWhenCompiled: () => IsRead;
  /** Puts the layers in force anew. Throws ApplyError. */
  readonly replace: (isRead: IsRead) => Promise<void>;
}

export interface ReadHosts extends BindingsChange {
  /** The policy in force as it is where all that it speaks of is read. */
  served(): Promise<CompiledPolicy>;
  /** Rules for requests that are denials now, since their hosts' requests are not read. */
  unread(): readonly Rule[];
}

/** Its calls stand in the queue of changes. */
export function createReadHosts(ports: ReadHostsPorts): ReadHosts {
  const { layers, active, readWhenCompiled, replace } = ports;

  async function adopt(isRead: IsRead): Promise<void> {
    if (active().requests === undefined) return;
    if (describeRead(layers(), isRead) === describeRead(layers(), readWhenCompiled())) return;
    await replace(isRead);
  }

  return {
    async served() {
      const policy = active();
      return policy.requests === undefined ? policy : runInSlices(compileSteps(layers(), ALL_READ));
    },
    unread() {
      const isRead = readWhenCompiled();
      return layers().user.egress.filter((rule) => describeUnread(rule, isRead) !== undefined);
    },
    narrow(isRead) {
      const before = readWhenCompiled();
      return adopt((target, port) => isRead(target, port) && before(target, port));
    },
    async follow(isRead) {
      try {
        await adopt(isRead);
      } catch (error) {
        // Told by who replaces; what is newly read stays denied.
        if (!(error instanceof ApplyError)) throw error;
      }
      return active();
    },
  };
}
