/**
 * `egress run`: one command, held to a policy, without a container. It makes a network namespace that is joined to the machine's
 * network, starts the sidecar in it, runs the command there confined, and removes all of it again, whatever happens.
 */
import { existsSync, readFileSync } from "node:fs";
import { readEverySetting, type Settings } from "../../config.ts";
import { RESOLV_CONF } from "../../config/resolv-conf.ts";
import { withSystemFolders } from "../../config/program-path.ts";
import { missingTools } from "../../netns/command.ts";
import { accepted, type Problem, type Result } from "../../policy/problem.ts";
import { keepFromChildren } from "../../sys/inherited.ts";
import { findRunsPlace, labelRun, PLACE_OF_ROOT, socketOfRun } from "../call/running-runs.ts";
import { EXIT } from "../exit-codes.ts";
import { RUN_HELP } from "../help.ts";
import type { CliContext } from "../context.ts";
import { filesOfMachine } from "./request/files.ts";
import { presentOrigins, presentPolicy } from "./request/present.ts";
import { parseRunArguments, type RunRequest } from "./request/arguments.ts";
import { type CommandUser, findCommandUser } from "./command/command-user.ts";
import { startConfinedCommand } from "./command/confined-command.ts";
import { findHandedOn } from "./command/handed-on.ts";
import { openOutputs, type RunOutputs } from "./report/outputs.ts";
import { createVoice, type Voice } from "./report/voice.ts";
import { type Caller, findCaller } from "./config/caller.ts";
import {
  InterruptedError,
  NetworkSetupError,
  NoSubnetError,
  RunFileError,
  SidecarStartError,
} from "./errors.ts";
import { createRunNetwork, drawRunId, machineRoutesIpv6, sweepRuns } from "./network/run-network.ts";
import { makeRunFolder, sweepRunFolders } from "./network/run-folder.ts";
import { runWithoutRoot } from "./rootless/enter.ts";
import { findInside, type Inside, LIMITS } from "./rootless/inside.ts";
import { watchWayOut } from "./network/way-out.ts";
import { createUndoSteps } from "./network/undo-steps.ts";
import { type CallerTerminal, openCallerTerminal } from "./terminal/caller-terminal.ts";
import { type HeldLines, holdLines } from "./terminal/held-lines.ts";
import { catchSignals } from "./command/interrupts.ts";
import { type RunSidecar, startRunSidecar } from "./run-sidecar.ts";
import { findUpstreams } from "./network/upstreams.ts";

const TOOLS = ["nft", "unshare", "setpriv", "mount", "sh"];

/** Runs it; settles with the command's exit code, or 125 where the command could not be run. */
export async function run(argv: readonly string[], outer: CliContext): Promise<number> {
  const inside = findInside(outer.env);
  const context = inside === undefined ? outer : { ...outer, env: inside.env };
  const isRoot = process.getuid?.() === 0;
  using terminal = isRoot ? openCallerTerminal() : undefined;
  const lines = holdLines((text) => context.warn(terminal?.render(text) ?? text), terminal?.screen);
  const plain = createVoice(lines.write, { isQuiet: false, asJson: false });
  const caller = findCaller(context.env);
  const request = parseRunArguments(argv, filesOfMachine(caller));
  if (!request.ok) return report(request.problems, plain.complain);
  if (request.value === "help") {
    context.print(RUN_HELP);
    return EXIT.ok;
  }
  if (request.value === "clean") return await clean(context.env, plain.note);
  if ("show" in request.value) {
    context.print(presentPolicy(request.value.show));
    return EXIT.ok;
  }
  if (!isRoot) return report(runWithoutRoot(argv, context, request.value.user), plain.complain);
  // Awaited here: the terminal lives until then.
  return await runAsked(request.value, { caller, context, inside, terminal, lines });
}

interface Asker {
  readonly caller: Caller;
  readonly context: CliContext;
  /** Set if the run is without root. */
  readonly inside: Inside | undefined;
  readonly terminal: CallerTerminal | undefined;
  readonly lines: HeldLines;
}

async function runAsked(request: RunRequest, asker: Asker): Promise<number> {
  const { caller, context, inside, terminal, lines } = asker;
  const voice = createVoice(lines.write, request.telling);
  const { note, complain } = voice;
  for (const line of presentOrigins(request)) note(line);
  const { settings, problems, warnings } = readEverySetting(context.env);
  report(warnings, note);
  if (problems.length > 0) return report(problems, complain);
  keepFromChildren();
  const handedOn = findHandedOn();
  if (!handedOn.ok) return report(handedOn.problems, complain);
  const lacks = missingTools(TOOLS, withSystemFolders(context.env["PATH"]));
  if (lacks.length > 0)
    return report(
      lacks.map((message) => ({ path: "", message })),
      complain,
    );
  const user = inside === undefined ? findCommandUser(request.user, context.env) : accepted(inside.user);
  if (!user.ok) return report(user.problems, complain);
  const stepSummary = context.env["GITHUB_STEP_SUMMARY"];
  try {
    const way = findWay(inside, settings);
    if (!way.ok) return report(way.problems, complain);
    if (inside !== undefined) note(LIMITS);
    using outputs = openOutputs({ ...request, voice, caller, stepSummary, upstreams: way.value.upstreams });
    if (request.audit !== undefined) note("audit: nothing is blocked but deny.always and the protections");
    const sendsAtEnd = settings.denyWebhook !== undefined || settings.otlpMetricsUrl !== undefined;
    const asked = { user: user.value, terminal, sendsAtEnd };
    // Nothing that a run without root sets is on the machine.
    const announce = inside === undefined ? note : (): void => undefined;
    const setting = { context, voice, announce, outputs, ...way.value, ...asked };
    const code = await runConfined(request, { ...setting, directory: handedOn.value.directory });
    lines.release();
    return outputs.finish(code);
  } catch (error) {
    lines.release();
    return explain(error, complain);
  }
}

interface Way {
  readonly ipv6: boolean;
  readonly upstreams: readonly string[];
}

/** What of the network can be reached from the run's. Throws NetworkSetupError. */
function findWay(inside: Inside | undefined, settings: Settings): Result<Way> {
  inside?.join();
  const ipv6 = machineRoutesIpv6();
  const upstreams = chooseUpstreams(settings, ipv6);
  if (!upstreams.ok) return upstreams;
  inside?.close(upstreams.value);
  return accepted({ ipv6, upstreams: upstreams.value });
}

/** Without root a run leaves nothing but its folder. */
async function clean(env: CliContext["env"], say: (text: string) => void): Promise<number> {
  try {
    const place = findRunsPlace(env);
    const isRoot = place === PLACE_OF_ROOT;
    const removed = isRoot ? await sweepRuns(place) : sweepRunFolders(place).map((path) => `folder ${path}`);
    for (const what of removed) say(`an ended run has left ${what}: undone`);
    if (removed.length === 0) say("no ended run has left anything here");
    return EXIT.ok;
  } catch (error) {
    return explain(error, say);
  }
}

interface Setting {
  readonly context: CliContext;
  readonly voice: Voice;
  /** Tells what is set on the machine. */
  readonly announce: (text: string) => void;
  readonly outputs: RunOutputs;
  readonly ipv6: boolean;
  readonly upstreams: readonly string[];
  /** Where the command is to work. */
  readonly directory: string;
  readonly terminal: CallerTerminal | undefined;
  readonly user: CommandUser | undefined;
  /** Whether the sidecar may have something left to send when it is told to end. */
  readonly sendsAtEnd: boolean;
}

async function runConfined(request: RunRequest, setting: Setting): Promise<number> {
  await using undo = new AsyncDisposableStack();
  const interrupts = undo.use(catchSignals());
  try {
    const { sidecar, folder } = await prepare(undo, request, { ...setting, signal: interrupts.signal });
    interrupts.signal.throwIfAborted(); // from here on the command gets the signals
    const { directory, context, terminal, user, outputs } = setting;
    const env = commandEnvironment(context.env);
    const place = { directory, folder, terminal, user, env, resolvConf: renderResolvConf() };
    const command = startConfinedCommand(sidecar.namespace, request.command, place);
    interrupts.forwardTo(command.forward);
    const ended = await Promise.race([command.exitCode, sidecar.end]);
    if (typeof ended === "number") {
      if (request.audit !== undefined) await conclude(outputs, folder);
      return ended;
    }
    const how = ended.signal ?? `exit ${String(ended.exitCode)}`;
    setting.voice.complain(`the sidecar ended (${how}), so the command is ended too`);
    command.kill();
    await command.exitCode;
    return EXIT.run;
  } catch (error) {
    interrupts.signal.throwIfAborted(); // what failed may have failed because of it
    throw error;
  }
}

/** Loads the client, which takes as long as everything else of a run's. */
async function conclude(outputs: RunOutputs, folder: string): Promise<void> {
  const { createEgressClient } = await import("../../client/client.ts");
  await outputs.conclude(createEgressClient({ endpoint: { socketPath: socketOfRun(folder) } }));
}

/** Everything but the command: network and sidecar, healthy. */
async function prepare(
  undo: AsyncDisposableStack,
  request: RunRequest,
  {
    context,
    voice,
    announce,
    outputs,
    ipv6,
    upstreams,
    sendsAtEnd,
    signal,
  }: Setting & { readonly signal: AbortSignal },
): Promise<{ readonly sidecar: RunSidecar; readonly folder: string }> {
  // After the sidecar has ended, which has files in it; the network goes at the same time.
  const last = undo.use(createUndoSteps(voice.complain));
  const steps = undo.use(createUndoSteps(voice.complain));
  const id = drawRunId();
  const place = findRunsPlace(context.env);
  const folder = makeRunFolder(id, place);
  last.step(`remove ${folder.path}`, () => folder[Symbol.dispose]());
  labelRun(folder.path, request.command);
  const namespace = await createRunNetwork(steps, { id, upstreams, ipv6, place, announce });
  const wayOut = undo.use(watchWayOut({ addresses: namespace.addresses, upstreams, say: voice.note }));
  signal.throwIfAborted();
  const sidecar = await startRunSidecar({
    namespace,
    program: context.program,
    env: context.env,
    policy: request.policy,
    isAudit: request.audit !== undefined,
    upstreams:
      context.env["OPENSANDBOX_EGRESS_DNS_UPSTREAM"]?.trim() || upstreams.map(renderUpstream).join(","),
    socketPath: socketOfRun(folder.path),
    onLine(line) {
      outputs.report.take(line);
      wayOut.take(line);
    },
    signal,
  });
  undo.defer(async () => {
    const ending = sidecar[Symbol.asyncDispose]();
    // The sidecar ends while the kernel is busy with the link.
    if (sendsAtEnd) await ending;
    await steps[Symbol.asyncDispose]();
    await ending;
  });
  return { sidecar, folder: folder.path };
}

/** The resolvers of the settings; else of the machine. */
function chooseUpstreams({ upstreams: given }: Settings, ipv6: boolean): Result<readonly string[]> {
  if (given !== undefined) return accepted(given.map(({ address }) => address));
  return findUpstreams((path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined), ipv6);
}

/** The command's resolver is the sidecar; search domains and options of the machine's resolv.conf hold for it too. */
function renderResolvConf(): string {
  const text = readIfThere(RESOLV_CONF);
  const kept = text.split("\n").filter((line) => /^(?:search|domain|options)\s/.test(line));
  return ["nameserver 127.0.0.1", ...kept, ""].join("\n");
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** The caller's, without what is the sidecar's: settings may hold secrets. */
function commandEnvironment(env: CliContext["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("OPENSANDBOX_EGRESS_")));
}

function renderUpstream(address: string): string {
  return address.includes(":") ? `[${address}]:53` : address;
}

function report(problems: readonly Problem[], say: (text: string) => void): number {
  for (const { path, message } of problems) say(path === "" ? message : `${path}: ${message}`);
  return EXIT.run;
}

function explain(error: unknown, say: (text: string) => void): number {
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof SidecarStartError) {
    for (const line of error.output) say(`sidecar: ${line}`);
    say(error.message);
    return EXIT.run;
  }
  const isOurs = [NetworkSetupError, NoSubnetError, RunFileError].some((kind) => error instanceof kind);
  if (isOurs && error instanceof Error) {
    say(error.message);
    return EXIT.run;
  }
  throw error;
}
