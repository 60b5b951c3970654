/** The vault's first content for a run: one binding for all hosts that get the same secrets. */
import { ANY_METHOD } from "../../../vault/binding.ts";
import type { AskedSecret } from "./parse-secret.ts";
import { type ReadHosts, takesIn } from "./read-hosts.ts";

/** A secret whose value is read. */
export interface HeldSecret extends AskedSecret {
  readonly value: string;
  readonly placeholder: string;
}

/** As `POST /credential-vault` takes it. */
export interface VaultBody {
  readonly credentials: readonly { readonly name: string; readonly source: InlineSource }[];
  readonly bindings: readonly BindingBody[];
}

interface InlineSource {
  readonly type: "inline";
  readonly value: string;
}

interface BindingBody {
  readonly name: string;
  readonly match: {
    readonly hosts: readonly string[];
    readonly methods: readonly string[];
    readonly schemes?: readonly string[];
  };
  readonly auth: AuthBody | { readonly type: "passthrough" };
}

type AuthBody = Filled &
  (
    | { readonly type: "passthrough" }
    | {
        readonly type: "customHeaders";
        readonly headers: readonly { readonly name: string; readonly credential: string }[];
      }
  );

interface Filled {
  readonly substitutions: readonly {
    readonly credential: string;
    readonly placeholder: string;
    readonly in: readonly ["header"];
  }[];
}

/** Whatever a command asks with: WebDAV has methods of its own, caches have PURGE, and others invent some. */
const METHODS = [ANY_METHOD];

/** `Authorization` has its scheme before the token. */
const SCHEME = /^(?:[A-Za-z]+) /;

/** What a run has its sidecar read: hosts with secrets, and those that only rules speak of. */
export interface RunBindings {
  readonly secrets: readonly HeldSecret[];
  readonly reads: readonly ReadHosts[];
}

/** Whether the run's sidecar has to read anything. */
export function bindsAny({ secrets, reads }: RunBindings): boolean {
  return secrets.length > 0 || reads.length > 0;
}

export function renderVault({ secrets, reads }: RunBindings): VaultBody {
  return {
    credentials: secrets.flatMap((secret) => [
      { name: secret.name, source: { type: "inline", value: secret.value } },
      ...(needsScheme(secret)
        ? [{ name: bearerOf(secret), source: { type: "inline" as const, value: `Bearer ${secret.value}` } }]
        : []),
    ]),
    bindings: [
      ...groupHosts(secrets).map(({ hosts, secrets: own }, index) => ({
        name: `run-${index + 1}`,
        match: { hosts, methods: METHODS },
        auth: renderAuth(own),
      })),
      ...reads.map(({ hosts, scheme }) => ({
        name: `read-${scheme}`,
        match: { hosts, methods: METHODS, schemes: [scheme] },
        auth: { type: "passthrough" as const },
      })),
    ],
  };
}

function renderAuth(secrets: readonly HeldSecret[]): AuthBody {
  const substitutions = secrets.map(({ name, placeholder }) => ({
    credential: name,
    placeholder,
    in: ["header"] as const,
  }));
  const headers = secrets.flatMap((secret) =>
    secret.header === undefined
      ? []
      : [{ name: secret.header, credential: needsScheme(secret) ? bearerOf(secret) : secret.name }],
  );
  return headers.length === 0
    ? { type: "passthrough", substitutions }
    : { type: "customHeaders", headers, substitutions };
}

function needsScheme({ header, value }: HeldSecret): boolean {
  return header?.toLowerCase() === "authorization" && !SCHEME.test(value);
}

function bearerOf({ name }: HeldSecret): string {
  return `${name} as bearer`;
}

interface Group {
  readonly hosts: readonly string[];
  readonly secrets: readonly HeldSecret[];
}

/**
 * A host named for itself takes the wildcard's secrets along: of two bindings the exact one alone would
 * count.
 */
function groupHosts(secrets: readonly HeldSecret[]): readonly Group[] {
  const groups = new Map<string, { hosts: string[]; readonly secrets: readonly HeldSecret[] }>();
  for (const host of new Set(secrets.flatMap(({ hosts }) => hosts))) {
    const own = secrets.filter(({ hosts }) => hosts.some((pattern) => takesIn(pattern, host)));
    const key = own.map(({ name }) => name).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { hosts: [host], secrets: own });
    else group.hosts.push(host);
  }
  return [...groups.values()];
}
