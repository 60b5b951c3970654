/**
 * The only reader of the environment. Every variable is read and checked before anything else happens; a
 * value that can't be read is a problem, never a fall back to something weaker, and so is a switch of the
 * original that is not served.
 */
import type { Environment } from "./config/environment.ts";
import { type Problem, type Result, quote } from "./policy/problem.ts";
import type { ProtectionName } from "./protections/protection.ts";
import type { Variable } from "./config/variable.ts";
import { findProxyProblems } from "./config/proxy-variables.ts";
import { findUnknown, findUnserved } from "./config/unserved-variables.ts";
import { VARIABLES } from "./config/variables.ts";

type Values = {
  readonly [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K] extends Variable<infer T> ? T : never;
};

/** All settings, read. `upstreams: undefined` means those of resolv.conf; `maxRules: 0` means no cap. */
export interface Settings extends Omit<
  Values,
  "otlpEndpoint" | "otlpMetricsEndpoint" | "exemptNameservers" | "dohBlocklist" | "requiredProtections"
> {
  readonly exemptNameservers: readonly string[];
  /** Empty: the shipped list of public DoH resolvers stands for it. */
  readonly dohBlocklist: readonly string[];
  readonly requiredProtections: readonly ProtectionName[];
  /** Where OTLP metrics are posted. */
  readonly otlpMetricsUrl: string | undefined;
}

/** Settings with all that is to be said of them; each `path` is a variable's name. */
export interface SettingsReading {
  /**
   * What can't be read has its default, so it may be weaker than what was meant: if there are problems,
   * nothing may be let through.
   */
  readonly settings: Settings;
  readonly problems: readonly Problem[];
  /** What has no effect, or not the one that was written. */
  readonly warnings: readonly Problem[];
}

/** Reads all settings from an environment; every variable that can't be read gives one problem. */
export function readEverySetting(env: Environment): SettingsReading {
  const problems: Problem[] = [...findUnserved(env)];
  const warnings: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of Object.entries<Variable<unknown>>(VARIABLES)) {
    const path = variable.name;
    const text = env[path];
    const reading = variable.read(text);
    if (!reading.ok) problems.push({ path, message: renderMessage(variable, reading.message, text) });
    for (const message of (reading.ok && reading.passedOver) || []) warnings.push({ path, message });
    const used = reading.ok ? reading : variable.read(undefined);
    values[key] = used.ok ? used.value : undefined;
  }
  if (values["signedWrites"] === true && values["token"] === undefined) problems.push(SIGNED_WITHOUT_TOKEN);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key was read by the variable of that key
  const settings = toSettings(values as Values);
  // Of what cannot be read the default would be taken for what was meant.
  if (!problems.some(({ path }) => path === VARIABLES.upstreamProxy.name)) {
    problems.push(...findProxyProblems(settings));
  }
  return { settings, problems, warnings: [...warnings, ...findUnknown(env, NAMES)] };
}

/** The settings if all can be read, otherwise every problem. */
export function readSettings(env: Environment): Result<Settings> {
  const { settings, problems } = readEverySetting(env);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: settings };
}

/**
 * Where the unix socket is, for who needs no other setting; undefined if there is none, or its variable
 * cannot be read.
 */
export function readSocketPath(env: Environment): string | undefined {
  const reading = VARIABLES.socketPath.read(env[VARIABLES.socketPath.name]);
  return reading.ok ? reading.value : undefined;
}

const NAMES: ReadonlySet<string> = new Set(
  Object.values<Variable<unknown>>(VARIABLES).map(({ name }) => name),
);

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
    requiredProtections: values.requiredProtections ?? [],
    otlpMetricsUrl: otlpMetricsEndpoint ?? (base === undefined ? undefined : `${base}/v1/metrics`),
  };
}

function renderMessage(variable: Variable<unknown>, message: string, text: string | undefined): string {
  const given = variable.secret || text === undefined ? "" : `, given ${quote(text)}`;
  return `${message} (accepted: ${variable.accepts}${given})`;
}
