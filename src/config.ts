/**
 * The only reader of the environment. Every variable is read and checked before anything else happens; a value that
 * can't be read is a problem, never a fall back to something weaker.
 */
import { type Problem, type Result, quote } from "./policy/problem.ts";
import type { ProtectionName } from "./protections/protection.ts";
import type { Variable } from "./config/variable.ts";
import { VARIABLES } from "./config/variables.ts";

type Values = {
  readonly [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K] extends Variable<infer T> ? T : never;
};

/** All settings, read. `upstreams: undefined` means those of resolv.conf; `maxRules: 0` means no cap. */
export interface Settings extends Omit<
  Values,
  | "otlpEndpoint"
  | "otlpMetricsEndpoint"
  | "exemptNameservers"
  | "dohBlocklist"
  | "extraAttributes"
  | "requiredProtections"
> {
  readonly exemptNameservers: readonly string[];
  /** Empty: the shipped list of public DoH resolvers stands for it. */
  readonly dohBlocklist: readonly string[];
  readonly extraAttributes: Readonly<Record<string, string>>;
  readonly requiredProtections: readonly ProtectionName[];
  /** Where OTLP metrics are posted. */
  readonly otlpMetricsUrl: string | undefined;
}

/** Reads all settings from an environment; every variable that can't be read gives one problem, its `path` the variable's name. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Result<Settings> {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of Object.entries<Variable<unknown>>(VARIABLES)) {
    const text = env[variable.name];
    const reading = variable.read(text);
    if (reading.ok) values[key] = reading.value;
    else problems.push({ path: variable.name, message: renderMessage(variable, reading.message, text) });
  }
  if (values["signedWrites"] === true && values["token"] === undefined) problems.push(SIGNED_WITHOUT_TOKEN);
  if (problems.length > 0) return { ok: false, problems };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key was read by the variable of that key
  return { ok: true, value: toSettings(values as Values) };
}

/** Where the unix socket is, for who needs no other setting; undefined where there is none, or its variable cannot be read. */
export function readSocketPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const reading = VARIABLES.socketPath.read(env[VARIABLES.socketPath.name]);
  return reading.ok ? reading.value : undefined;
}

const SIGNED_WITHOUT_TOKEN: Problem = {
  path: VARIABLES.signedWrites.name,
  message: `needs ${VARIABLES.token.name}, which is the key that changes are signed with`,
};

function toSettings(values: Values): Settings {
  const { otlpEndpoint, otlpMetricsEndpoint, ...settings } = values;
  const base = otlpEndpoint?.replace(/\/+$/, "");
  return {
    ...settings,
    exemptNameservers: values.exemptNameservers ?? [],
    dohBlocklist: values.dohBlocklist ?? [],
    extraAttributes: values.extraAttributes ?? {},
    requiredProtections: values.requiredProtections ?? [],
    otlpMetricsUrl: otlpMetricsEndpoint ?? (base === undefined ? undefined : `${base}/v1/metrics`),
  };
}

function renderMessage(variable: Variable<unknown>, message: string, text: string | undefined): string {
  const given = variable.secret || text === undefined ? "" : `, given ${quote(text)}`;
  return `${message} (accepted: ${variable.accepts}${given})`;
}
