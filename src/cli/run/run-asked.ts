/**
 * A run whose options are read: what else may stand in its way is looked at here, its outputs are opened, and
 * closed at the end.
 */
import { readEverySetting, type Settings } from "../../config.ts";
import { findShippedRules } from "../../config/shipped-rules.ts";
import { searchProgramsIn } from "../../config/program-path.ts";
import { findTool } from "../../netns/find-tool.ts";
import { missingToolHint } from "../../netns/errors.ts";
import { accepted, refusedAll, type Result } from "../../policy/problem.ts";
import { readExecLimits } from "../../sys/exec-limits.ts";
import { keepFromChildren } from "../../sys/inherited.ts";
import type { CliContext } from "../context.ts";
import { type CommandUser, findCommandUser } from "./command/command-user.ts";
import { type ExactStart, planStart, requireStartable, type StartTools } from "./command/exact-start.ts";
import { findHandedOn } from "./command/handed-on.ts";
import { describeProxies } from "./command/proxies.ts";
import { describeHiddenProgram } from "./command/run-links.ts";
import { findStartTools } from "./command/start-tools.ts";
import { commandEnvironment } from "./command/surroundings.ts";
import type { Caller } from "./config/caller.ts";
import { changesOf, findNextRun } from "./config/next-run.ts";
import { explain, report } from "./explain.ts";
import { findWay } from "./find-way.ts";
import { openOutputs } from "./report/outputs.ts";
import { createVoice, type Voice } from "./report/voice.ts";
import type { RunRequest } from "./request/arguments.ts";
import { presentOrigins } from "./request/present.ts";
import { type Inside, LIMITS } from "./rootless/inside.ts";
import { requireUnheld } from "./secrets/hide-secrets.ts";
import { askShell, readSecrets } from "./secrets/read-secrets.ts";
import { hideFromCommand } from "./secrets/run-secrets.ts";
import { findReadHosts } from "./secrets/read-hosts.ts";
import type { RunBindings } from "./secrets/secret-bindings.ts";
import { describeWeakening, findRefusedSettings } from "./run-settings.ts";
import { runConfined } from "./run-confined.ts";
import type { CallerTerminal } from "./terminal/caller-terminal.ts";
import type { HeldLines } from "./terminal/held-lines.ts";
import type { WaitingSidecar } from "./waiting-sidecar.ts";
import { trustedPath } from "./command/trusted-path.ts";

const TOOLS = ["nft", "unshare", "setpriv", "mount", "sh", "env"];
/** Without it the command could reach metadata services, by a policy that allows them. */
const NO_RULES = {
  path: "rules/deny.always",
  message: "is not beside the program: copy its folder whole, or install it again",
};

export interface Asker {
  readonly caller: Caller;
  readonly context: CliContext;
  /** Set if the run is without root. */
  readonly inside: Inside | undefined;
  readonly terminal: CallerTerminal | undefined;
  readonly lines: HeldLines;
  readonly early: WaitingSidecar | undefined;
}

/** Refuses what cannot be held before anything is set up. Settles with the exit code. */
export async function runAsked(request: RunRequest, asker: Asker): Promise<number> {
  const { caller, context, inside, terminal, lines, early } = asker;
  const voice = createVoice(lines.write, request.telling);
  const { note, complain } = voice;
  for (const line of presentOrigins(request)) note(line);
  const taken = takeSettings(context.env, voice);
  if (!taken.ok) return report(taken.problems, complain);
  const settings = taken.value;
  keepFromChildren();
  const handedOn = findHandedOn();
  if (!handedOn.ok) return report(handedOn.problems, complain);
  const tools = takeTrustedTools(context.env["PATH"]);
  if (!tools.ok) return report(tools.problems, complain);
  const shipped = findShippedRules();
  if (shipped === undefined) return report([NO_RULES], complain);
  const own = findOwn(request, asker, tools.value);
  if (!own.ok) return report(own.problems, complain);
  const stepSummary = context.env["GITHUB_STEP_SUMMARY"];
  try {
    const way = findWay(inside, settings);
    if (!way.ok) return report(way.problems, complain);
    if (inside !== undefined) note(LIMITS);
    tellSurroundings(request.command[0], handedOn.value.directory, { env: context.env, voice });
    using outputs = openOutputs({ ...request, voice, caller, stepSummary, upstreams: way.value.upstreams });
    if (request.audit !== undefined) note("audit: nothing is blocked but deny.always and the protections");
    const sendsAtEnd = settings.denyWebhook !== undefined || settings.otlpMetricsUrl !== undefined;
    const ruleFolders = [settings.rulesDirectory, shipped];
    const asked = { ...own.value, terminal, sendsAtEnd, early, ruleFolders };
    // Nothing that a run without root sets is on the machine.
    const announce = inside === undefined ? note : (): void => undefined;
    const setting = { context, voice, announce, outputs, ...way.value, ...asked };
    const { directory } = handedOn.value;
    const given = request.origins.map(({ path }) => path);
    const before = findNextRun(directory, caller, given);
    const code = await runConfined(request, { ...setting, directory });
    lines.release();
    for (const path of changesOf(before, findNextRun(directory, caller, given)))
      complain(`${path} has changed during the run: read it before the next one takes it`);
    return outputs.finish(code);
  } catch (error) {
    lines.release();
    return explain(error, complain);
  }
}

/** Says what the command will not find as the caller does. */
function tellSurroundings(
  program: string,
  directory: string,
  { env, voice }: { readonly env: CliContext["env"]; readonly voice: Voice },
): void {
  for (const line of describeProxies(env)) voice.note(line);
  const hidden = describeHiddenProgram(program, { path: env["PATH"] ?? "", directory });
  if (hidden !== undefined) voice.complain(hidden);
}

/** Says what has no effect, and what holds less than without it. */
function takeSettings(env: CliContext["env"], { note, warn }: Voice): Result<Settings> {
  const { settings, problems, warnings } = readEverySetting(env);
  report(warnings, note);
  const refusals = [...problems, ...findRefusedSettings(settings)];
  if (refusals.length > 0) return refusedAll(refusals);
  for (const line of describeWeakening(settings, env)) warn(line);
  return accepted(settings);
}

interface Own {
  readonly user: CommandUser | undefined;
  readonly bindings: RunBindings;
  readonly start: ExactStart;
  readonly notes: readonly string[];
}

/** Whom the command is, the secrets that it does not get, and what starts it. */
function findOwn(request: RunRequest, { context: { env }, inside }: Asker, tools: StartTools): Result<Own> {
  const user = inside === undefined ? findCommandUser(request.user, env) : accepted(inside.user);
  if (!user.ok) return user;
  const secrets = readSecrets(request.secrets, env, askShell(env, user.value, tools));
  if (!secrets.ok) return secrets;
  const unheld = requireUnheld(request.command, secrets.value);
  if (!unheld.ok) return unheld;
  const bindings = { secrets: secrets.value, reads: findReadHosts(request.policy, secrets.value) };
  const { env: shown, notes } = hideFromCommand(commandEnvironment(env), bindings);
  const start = planStart(request.command, { ...shown, ...user.value?.env }, tools);
  const startable = requireStartable(start, readExecLimits());
  return startable.ok ? accepted({ user: user.value, bindings, start, notes }) : startable;
}

/** Refused if one is missing. A program that lies only where the command could have put it does not count. */
function takeTrustedTools(given: string | undefined): Result<StartTools> {
  const path = trustedPath(given);
  searchProgramsIn(path);
  const lacks = TOOLS.flatMap((tool) => {
    if (findTool(tool, path) !== undefined) return [];
    const distrusted = findTool(tool, given ?? "");
    const reason = "is not taken, as others than root can write there";
    return distrusted === undefined
      ? [{ path: "", message: missingToolHint(tool) }]
      : [{ path: distrusted, message: `${reason}; elsewhere ${missingToolHint(tool)}` }];
  });
  return lacks.length > 0 ? refusedAll(lacks) : findStartTools(path);
}
