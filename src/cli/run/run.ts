/**
 * `egress run`: one command, held to a policy, without a container. It makes a network namespace that is joined to the machine's
 * network, starts the sidecar in it, runs the command there confined, and removes all of it again, whatever happens.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readEverySetting, type Settings } from "../../config.ts";
import { RESOLV_CONF } from "../../config/resolv-conf.ts";
import { missingTools } from "../../netns/command.ts";
import { isAlive } from "../../netns/namespace.ts";
import { ToolError } from "../../netns/errors.ts";
import { accepted, type Problem, type Result } from "../../policy/problem.ts";
import { keepFromChildren } from "../../sys/inherited.ts";
import { EXIT } from "../exit-codes.ts";
import { RUN_HELP } from "../help.ts";
import type { CliContext } from "../context.ts";
import { parseRunArguments, type RunRequest } from "./request/arguments.ts";
import { startConfinedCommand } from "./command/confined-command.ts";
import { findHandedOn } from "./command/handed-on.ts";
import { openReport } from "./report/open-report.ts";
import { InterruptedError, NoSubnetError, SidecarStartError } from "./errors.ts";
import { createRunNetwork, machineRoutesIpv6 } from "./network/run-network.ts";
import { catchSignals } from "./command/interrupts.ts";
import { type RunSidecar, startRunSidecar } from "./run-sidecar.ts";
import { findUpstreams } from "./network/upstreams.ts";

const TOOLS = ["ip", "nft", "unshare", "setpriv", "mount", "sh"];

/** Runs it; settles with the command's exit code, or one of `EXIT` where the command could not be run. */
export async function run(argv: readonly string[], context: CliContext): Promise<number> {
  const say = (text: string): void => context.warn(`egress run: ${text}\n`);
  const request = parseRunArguments(argv, (path) => readFileSync(path, "utf8"));
  if (!request.ok) return report(request.problems, say, EXIT.usage);
  if (request.value === "help") {
    context.print(RUN_HELP);
    return EXIT.ok;
  }
  const { settings, problems, warnings } = readEverySetting(context.env);
  report(warnings, say, EXIT.ok);
  if (problems.length > 0) return report(problems, say, EXIT.config);
  keepFromChildren();
  const handedOn = findHandedOn();
  if (!handedOn.ok) return report(handedOn.problems, say, EXIT.usage);
  const lacks = process.getuid?.() === 0 ? await missingTools(TOOLS) : ["it must run as root"];
  for (const problem of lacks) say(problem);
  if (lacks.length > 0) return EXIT.unavailable;
  const ipv6 = await machineRoutesIpv6();
  const upstreams = chooseUpstreams(settings, ipv6);
  if (!upstreams.ok) return report(upstreams.problems, say, EXIT.config);
  try {
    return await runConfined(request.value, {
      context,
      say,
      ipv6,
      upstreams: upstreams.value,
      directory: handedOn.value.directory,
    });
  } catch (error) {
    return explain(error, say);
  }
}

interface Setting {
  readonly context: CliContext;
  readonly say: (text: string) => void;
  readonly ipv6: boolean;
  readonly upstreams: readonly string[];
  /** Where the command is to work. */
  readonly directory: string;
}

async function runConfined(request: RunRequest, setting: Setting): Promise<number> {
  await using undo = new AsyncDisposableStack();
  const interrupts = undo.use(catchSignals());
  try {
    const sidecar = await prepare(undo, request, { ...setting, signal: interrupts.signal });
    interrupts.signal.throwIfAborted(); // from here on the command gets the signals
    const { directory, context } = setting;
    const place = { directory, env: commandEnvironment(context.env) };
    const command = startConfinedCommand(sidecar.namespace, request.command, place);
    interrupts.forwardTo(command.forward);
    const ended = await Promise.race([command.exitCode, sidecar.end]);
    if (typeof ended === "number") return ended;
    const how = ended.signal ?? `exit ${String(ended.exitCode)}`;
    setting.say(`the sidecar ended (${how}), so the command is ended too`);
    command.kill();
    await command.exitCode;
    return EXIT.software;
  } catch (error) {
    interrupts.signal.throwIfAborted(); // what failed may have failed because of it
    throw error;
  }
}

/** Everything but the command: network and sidecar, healthy. */
async function prepare(
  undo: AsyncDisposableStack,
  request: RunRequest,
  { context, say, ipv6, upstreams, signal }: Setting & { readonly signal: AbortSignal },
): Promise<RunSidecar> {
  const told = undo.use(openReport({ policy: request.policy, upstreams, say }));
  const folder = await makePrivateFolder();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const network = { upstreams, ipv6, resolverOptions: resolverOptions(), announce: say };
  const namespace = await createRunNetwork(undo, network);
  signal.throwIfAborted();
  return undo.use(
    await startRunSidecar({
      namespace,
      program: context.program,
      env: context.env,
      policy: request.policy,
      upstreams:
        context.env["OPENSANDBOX_EGRESS_DNS_UPSTREAM"]?.trim() || upstreams.map(renderUpstream).join(","),
      socketPath: join(folder, "egress.sock"),
      onLine: told.take,
      signal,
    }),
  );
}

/** The resolvers of the settings; else of the machine. */
function chooseUpstreams({ upstreams: given }: Settings, ipv6: boolean): Result<readonly string[]> {
  if (given !== undefined) return accepted(given.map(({ address }) => address));
  return findUpstreams((path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined), ipv6);
}

/** Under /run, which the command does not see. Those of runs that were killed go now. */
async function makePrivateFolder(): Promise<string> {
  await mkdir("/run", { recursive: true });
  for (const name of await readdir("/run")) {
    const pid = /^egress-run-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join("/run", name), { recursive: true, force: true });
  }
  return mkdtemp(`/run/egress-run-${process.pid}-`);
}

/** Search domains and options of the machine's resolv.conf hold for the command too. */
function resolverOptions(): string {
  return readIfThere(RESOLV_CONF)
    .split("\n")
    .filter((line) => /^(?:search|domain|options)\s/.test(line))
    .join("\n");
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

function report(problems: readonly Problem[], say: (text: string) => void, exitCode: number): number {
  for (const { path, message } of problems) say(path === "" ? message : `${path}: ${message}`);
  return exitCode;
}

function explain(error: unknown, say: (text: string) => void): number {
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof SidecarStartError) {
    for (const line of error.output) say(`sidecar: ${line}`);
    say(error.message);
    return error.exitCode === EXIT.config ? EXIT.config : EXIT.software;
  }
  if (error instanceof ToolError || error instanceof NoSubnetError) {
    say(error.message);
    return EXIT.unavailable;
  }
  throw error;
}
