/** The command line of `egress run`, read into a policy and a command. */
import { dirname } from "node:path";
import { findTooWide } from "../config/found-config.ts";
import type { Config } from "../config/parse-config.ts";
import type { FoundFile } from "../config/read-file.ts";
import { parseConfig } from "../config/parse-config.ts";
import type { Preset } from "../config/presets.ts";
import type { Policy } from "../../../policy/policy.ts";
import { accepted, quote, refused, refusedAll, type Result } from "../../../policy/problem.ts";
import type { Action, Rule } from "../../../policy/rule.ts";
import { findScopesFault } from "../../../policy/scope-limit.ts";
import { all, readDefault, readFileOf, readRules, type ReadText } from "../../call/rules.ts";
import { isRuledByRequests } from "../secrets/read-hosts.ts";
import { type AskedSecret, parseSecret, parseSecretCommand } from "../secrets/parse-secret.ts";
import { type Audit, type Options, readOptions, type Telling, type Written } from "./options.ts";

export interface AskedPolicy {
  readonly policy: Policy;
  /** Where rules come from that are not on the command line. */
  readonly origins: readonly Origin[];
}

export interface RunRequest extends AskedPolicy {
  readonly command: readonly [string, ...string[]];
  readonly telling: Telling;
  readonly audit: Audit | undefined;
  readonly user: string | undefined;
  readonly secrets: readonly AskedSecret[];
}

/** To be shown, and nothing to be run. */
export interface DryRun {
  readonly show: AskedPolicy;
}

export interface Origin {
  readonly path: string;
  readonly rules: readonly Rule[];
  /** The default action that holds by its word. */
  readonly defaultAction?: Action | undefined;
  /** It was found, and nobody named it. */
  readonly isFound?: boolean;
}

/** What the command line may name, or find. */
export interface RunFiles {
  /** Of `--config`; may throw. */
  readonly readText: ReadText;
  /** The policy file of the working directory. */
  readonly findConfig: () => Result<FoundFile | undefined>;
  readonly readPreset: (name: string) => Result<Preset>;
}

/**
 * Reads the arguments after `run`; `"help"` or `"clean"` when they ask for that. Rules of the command line
 * come first, in their order, then the file's, then those of the file's presets.
 */
export function parseRunArguments(
  argv: readonly string[],
  files: RunFiles,
): Result<RunRequest | DryRun | "help" | "clean"> {
  const end = argv.indexOf("--");
  const [program, ...args] = end === -1 ? [] : argv.slice(end + 1);
  const written = end === -1 ? argv : argv.slice(0, end);
  const odd = written.find((text) => !text.isWellFormed());
  if (odd !== undefined)
    return refused(
      `${quote(odd)} is not UTF-8, as options have to be; the command behind -- may be anything`,
    );
  const options = readOptions(written);
  if (!options.ok) return options;
  if (options.value.help) return accepted("help");
  if (options.value.clean) return accepted("clean");
  const { dryRun, user, telling, audit } = options.value;
  if (program === undefined && !dryRun)
    return refused("no command: put it last, after --, as in: egress run -- curl ...");
  const secrets = readSecretOptions(options.value);
  if (!secrets.ok) return secrets;
  const policy = readPolicy(options.value, secrets.value, files);
  if (!policy.ok) return policy;
  if (dryRun || program === undefined) return accepted({ show: policy.value });
  return accepted({
    ...policy.value,
    command: [program, ...args],
    telling,
    audit,
    user,
    secrets: secrets.value,
  });
}

/** A variable has one value, and so one placeholder. */
function readSecretOptions({ secrets, secretCommands }: Options): Result<readonly AskedSecret[]> {
  const read = all([...secrets.map(parseSecret), ...secretCommands.map(parseSecretCommand)]);
  if (!read.ok) return read;
  const names = read.value.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? read
    : refused(`${twice} is given twice: name all its hosts in one`, "--secret");
}

/**
 * Hosts are allowed by being named for a secret, behind what the line itself says of them. Where the file's
 * rules say which requests to a host may pass, the name alone allows none.
 */
function allowHosts(secrets: readonly AskedSecret[], ofFile: readonly Rule[]): Result<readonly Rule[]> {
  const hosts = [...new Set(secrets.flatMap(({ hosts: own }) => own))];
  const left = hosts.filter((host) => !isRuledByRequests(ofFile, host));
  return readRules(left.map((target) => ({ action: "allow", target })));
}

function readPolicy(options: Options, secrets: readonly AskedSecret[], files: RunFiles): Result<AskedPolicy> {
  const ofLine = all(options.written.map((one) => readWritten(one, files)));
  const config = readConfig(options, files);
  const action = readDefault(options.defaultAction);
  const ofFile = config.ok ? all(config.value.presets.map((name) => toOrigin(name, files))) : accepted([]);
  const ruled = [config, ofFile, ofLine].flatMap((one) => (one.ok ? [one.value].flat() : []));
  const ofSecrets = allowHosts(
    secrets,
    ruled.flatMap(({ rules }) => rules),
  );
  const problems = [ofLine, ofSecrets, config, action, ofFile].flatMap((result) =>
    result.ok ? [] : result.problems,
  );
  if (!ofLine.ok || !ofSecrets.ok || !config.ok || !action.ok || !ofFile.ok) return refusedAll(problems);
  const origins = [
    ...ofLine.value.filter(({ path }) => path !== ""),
    ...originOf(config.value, action.value),
    ...ofFile.value,
  ];
  const egress = [
    ...ofLine.value,
    { rules: ofSecrets.value },
    { rules: config.value.rules },
    ...ofFile.value,
  ].flatMap(({ rules }) => rules);
  const defaultAction = action.value ?? config.value.defaultAction ?? "deny";
  const { isFound, path } = config.value;
  const tooWide = isFound && path !== undefined ? findTooWide(config.value, path, action.value) : [];
  if (tooWide.length > 0) return refusedAll(tooWide);
  const fault = findScopesFault({ egress });
  if (fault !== undefined) return refused(fault);
  return accepted({ policy: { defaultAction, egress }, origins });
}

/** `given`: the default action of the line, which wins. */
function originOf(
  { path, rules, defaultAction, isFound }: TakenConfig,
  given: Action | undefined,
): readonly Origin[] {
  if (path === undefined) return [];
  return [{ path, rules, isFound, defaultAction: given === undefined ? defaultAction : undefined }];
}

/** Rules of the line itself have no path. */
function readWritten(written: Written, files: RunFiles): Result<Origin> {
  if ("preset" in written) return toOrigin(written.preset, files);
  const rules = readRules([written]);
  return rules.ok ? accepted({ path: "", rules: rules.value }) : rules;
}

function toOrigin(name: string, { readPreset }: RunFiles): Result<Origin> {
  const preset = readPreset(name);
  return preset.ok ? accepted(preset.value) : preset;
}

interface TakenConfig extends Config {
  readonly path: string | undefined;
  readonly isFound: boolean;
}

const NO_FILE = { defaultAction: undefined, rules: [], presets: [], path: undefined, isFound: false };

function readConfig({ configFile, findsConfig }: Options, files: RunFiles): Result<TakenConfig> {
  if (configFile !== undefined) {
    const config = readFileOf("--config", configFile, files.readText, (text) =>
      parseConfig(text, configFile),
    );
    return config.ok ? accepted({ ...config.value, path: configFile, isFound: false }) : config;
  }
  const found = findsConfig ? files.findConfig() : accepted(undefined);
  if (!found.ok) return found;
  if (found.value === undefined) return accepted(NO_FILE);
  const { path, text } = found.value;
  const config = parseConfig(text, path);
  if (config.ok) return accepted({ ...config.value, path, isFound: true });
  const hint = { path: dirname(path), message: "if this file is no policy of egress run: --no-config" };
  return refusedAll([...config.problems, hint]);
}
