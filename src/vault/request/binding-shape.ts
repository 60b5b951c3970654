import * as z from "zod/mini";
import { accepted, quote, refused } from "../../policy/problem.ts";
import { ANY_METHOD, type BindingMatch, type Scheme } from "../binding.ts";
import { type HostPattern, parseHostPattern, renderHostPattern } from "../host-pattern.ts";
import { authShape } from "./auth-shape.ts";
import { exactly, listOf, nameShape, readText, refuse, unique, wanted } from "./shapes.ts";
import type { NewBinding } from "./vault-request.ts";

/** The default of a binding that names none. */
export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const PATHS = ["/*"] as const;
const SCHEMES: readonly Scheme[] = ["https"];

const schemeShape = readText<Scheme>((text) => {
  const scheme = text.trim().toLowerCase();
  return scheme === "https" || scheme === "http"
    ? accepted(scheme)
    : refused(`${quote(text)} must be https or http`);
});

const methodShape = readText((text) => {
  const method = text.trim().toUpperCase();
  return /^[!#$%&'*+.^_`|~0-9A-Z-]{1,64}$/.test(method)
    ? accepted(method)
    : refused(`${quote(text)} is no method`);
});

/** Printable ASCII, as a request's path is (RFC 3986 section 3.3). */
const pathShape = readText((text) => {
  if (!text.startsWith("/")) return refused(`${quote(text)} must begin with /`);
  if (text.length > 2048) return refused("is longer than 2048 characters");
  return /^[!-~]+$/.test(text) && !/[?#]/.test(text)
    ? accepted(text)
    : refused(
        `${quote(text)} has a character that no path has: leave the query out, and write %20 for a blank`,
      );
});

/** Deprecated in the contract: the interception covers these ports. */
const portShape = z.number({ error: wanted("a port") }).check(
  z.refine((port) => port === 80 || port === 443, {
    error: ({ input }) =>
      `unsupported port ${String(input)}: only 80 and 443 are taken, and the scheme says which`,
  }),
);

const matchShape = z.pipe(
  exactly("an object", {
    schemes: listOf(schemeShape),
    hosts: listOf(readText(parseHostPattern)),
    methods: listOf(methodShape),
    paths: listOf(pathShape),
    ports: listOf(portShape),
  }),
  z.transform(({ schemes, hosts, methods, paths }, context): GivenMatch => {
    if (hosts.length === 0) refuse(context, "is missing, must be a list of at least one host", ["hosts"]);
    return { schemes, hosts, methods, paths };
  }),
);

type GivenMatch = Pick<BindingMatch, "schemes" | "hosts" | "methods" | "paths">;

/** If the setting asks for it, a binding has to say which requests it means. */
function normalize({ schemes, hosts, methods, paths }: GivenMatch): BindingMatch {
  return {
    schemes: schemes.length === 0 ? SCHEMES : unique(schemes),
    hosts: [...new Map(hosts.map((host): [string, HostPattern] => [renderHostPattern(host), host])).values()],
    methods: methods.length === 0 ? METHODS : unique(methods),
    paths: paths.length === 0 ? PATHS : unique(paths),
  };
}

function findUnscoped({ methods, paths }: GivenMatch): string | undefined {
  if (methods.length === 0 || methods.includes(ANY_METHOD))
    return "must name methods: OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_SCOPED_MATCH is on";
  if (paths.length > 0 && !paths.includes("/*")) return undefined;
  return "must name paths other than /*: OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_SCOPED_MATCH is on";
}

export interface BindingRules {
  /** Whether a binding has to name methods, and paths other than all. */
  readonly requireScopedMatch: boolean;
}

/** A binding as callers write it. */
export function bindingShape({ requireScopedMatch }: BindingRules): z.ZodMiniType<NewBinding> {
  return z.pipe(
    exactly("a binding", { name: nameShape, match: matchShape, auth: authShape }),
    z.transform(({ name, match, auth }, context): NewBinding => {
      const unscoped = requireScopedMatch ? findUnscoped(match) : undefined;
      if (unscoped !== undefined) refuse(context, unscoped, ["match"]);
      return { name, match: normalize(match), ...auth };
    }),
  );
}
