/** A run from its network to the command's end; all that it has made is undone then, whatever happens. */
import { join } from "node:path";
import { mountMemory } from "../../sys/memory-mount.ts";
import { refuseKeys } from "../../sys/seccomp.ts";
import type { CliContext } from "../context.ts";
import { findRunsPlace, labelRun, PLACE_OF_ROOT, socketOfRun } from "../call/running-runs.ts";
import { EXIT } from "../exit-codes.ts";
import type { CommandUser } from "./command/command-user.ts";
import { type ConfinedCommand, startConfinedCommand } from "./command/confined-command.ts";
import { catchSignals } from "./command/interrupts.ts";
import type { ExactStart } from "./command/exact-start.ts";
import { renderResolvConf } from "./command/surroundings.ts";
import { catchFaults } from "./faults.ts";
import { makeRunFolder } from "./network/run-folder.ts";
import { createRunNetwork, drawRunId, type RunNetwork } from "./network/run-network.ts";
import { createUndoSteps } from "./network/undo-steps.ts";
import { watchWayOut } from "./network/way-out.ts";
import type { RunOutputs } from "./report/outputs.ts";
import type { Voice } from "./report/voice.ts";
import type { RunRequest } from "./request/arguments.ts";
import { copyRuleFiles } from "./rule-files.ts";
import { type RunSidecar, startRunSidecar } from "./run-sidecar.ts";
import type { CallerTerminal } from "./terminal/caller-terminal.ts";
import { openSecrets, sidecarSettings, trustFolder } from "./secrets/run-secrets.ts";
import { bindsAny, type RunBindings } from "./secrets/secret-bindings.ts";
import { trustedPath } from "./command/trusted-path.ts";
import { startWaiting, type WaitingSidecar } from "./waiting-sidecar.ts";

export interface Setting {
  readonly context: CliContext;
  readonly voice: Voice;
  /** Tells what is set on the machine. */
  readonly announce: (text: string) => void;
  readonly outputs: RunOutputs;
  readonly ipv6: boolean;
  readonly upstreams: readonly string[];
  /** Folders with rule files, the operator's first. */
  readonly ruleFolders: readonly string[];
  /** Where the command is to work. */
  readonly directory: string;
  readonly terminal: CallerTerminal | undefined;
  readonly user: CommandUser | undefined;
  /** What the command gets placeholders for, and whose requests are read. */
  readonly bindings: RunBindings;
  readonly start: ExactStart;
  /** What the caller is told before the command starts. */
  readonly notes: readonly string[];
  /** Whether the sidecar may have something left to send when it has to end. */
  readonly sendsAtEnd: boolean;
  /** Undefined if none could be started yet. */
  readonly early: WaitingSidecar | undefined;
}

/**
 * Settles with the command's exit code, or 125. Throws ConfinementError, InterruptedError, NetworkSetupError,
 * NoSubnetError, SidecarStartError.
 */
export async function runConfined(request: RunRequest, setting: Setting): Promise<number> {
  await using undo = new AsyncDisposableStack();
  const faults = undo.use(catchFaults(setting.voice.complain));
  const interrupts = undo.use(catchSignals());
  const signal = AbortSignal.any([faults.signal, interrupts.signal]);
  try {
    const { sidecar, command, files } = await prepare(undo, request, { ...setting, signal });
    signal.throwIfAborted(); // from here on the command gets the signals
    interrupts.forwardTo(command.forward);
    await command.begin();
    const ended = await Promise.race([command.exitCode, sidecar.end, faults.first]);
    if (typeof ended === "number") {
      if (request.audit !== undefined) await conclude(setting, files);
      return ended;
    }
    const how = ended.signal ?? `exit ${String(ended.exitCode)}`;
    setting.voice.complain(`the sidecar ended (${how}), so the command is ended too`);
    command.kill();
    await command.exitCode;
    return EXIT.run;
  } catch (error) {
    signal.throwIfAborted(); // what failed may have failed because of it
    throw error;
  }
}

/**
 * Loads the client, which takes as long as everything else of a run's; if it cannot be loaded, the run says
 * so.
 */
async function conclude({ outputs, voice }: Setting, files: string): Promise<void> {
  const loading = import("../../client/client.ts").catch((error: unknown) => {
    voice.complain(String(error));
  });
  const { createEgressClient } = (await loading) ?? {};
  if (createEgressClient === undefined) return;
  await outputs.conclude(createEgressClient({ endpoint: { socketPath: socketOfRun(files) } }));
}

interface Prepared {
  readonly sidecar: RunSidecar;
  /** It waits to begin. */
  readonly command: ConfinedCommand;
  /** The folder with the run's files. */
  readonly files: string;
}

/** Network, sidecar, healthy, and the place of the command, which is made while the sidecar starts. */
async function prepare(
  undo: AsyncDisposableStack,
  request: RunRequest,
  setting: Setting & { readonly signal: AbortSignal },
): Promise<Prepared> {
  const { context, voice, announce, outputs, ipv6, upstreams, signal } = setting;
  // After the sidecar has ended, which has files in it; the network goes at the same time.
  const last = undo.use(createUndoSteps(voice.complain));
  const waiting = setting.early ?? undo.use(startWaiting(context));
  const steps = undo.use(createUndoSteps(voice.complain));
  const place = findRunsPlace(context.env);
  const mount = place === PLACE_OF_ROOT ? undefined : mountMemory;
  const folder = makeRunFolder(place, { drawId: drawRunId, mount });
  last.step(`remove ${folder.path}`, () => folder[Symbol.dispose]());
  labelRun(folder.path, request.command);
  const { id, files } = folder;
  const rulesDirectory = join(files, "rules");
  copyRuleFiles(setting.ruleFolders, rulesDirectory);
  const { namespace } = waiting;
  const network = await createRunNetwork(steps, { id, upstreams, ipv6, place, namespace, announce });
  const wayOut = undo.use(watchWayOut({ addresses: network.addresses, upstreams, say: voice.note }));
  signal.throwIfAborted();
  const starting = startRunSidecar({
    waiting,
    env: context.env,
    policy: request.policy,
    isAudit: request.audit !== undefined,
    upstreams:
      context.env["OPENSANDBOX_EGRESS_DNS_UPSTREAM"]?.trim() || upstreams.map(renderUpstream).join(","),
    socketPath: socketOfRun(files),
    rulesDirectory,
    ofSecrets: sidecarSettings(files, setting.bindings),
    onLine(line) {
      outputs.report.take(line);
      wayOut.take(line);
    },
    signal,
  });
  undo.defer(() => endSidecar(starting, steps, setting));
  const command = startCommand(network, request, { ...setting, folder: files, runs: place });
  undo.defer(async () => {
    command.kill();
    await command.exitCode;
  });
  const sidecar = await starting;
  const socketPath = socketOfRun(files);
  const onStale = (reason: string): void =>
    voice.note(`renewed roots do not reach the command, so it may lose its secrets' hosts: ${reason}`);
  const secrets = { folder: files, socketPath, env: context.env, signal, onStale };
  undo.use(await openSecrets(setting.bindings, secrets));
  return { sidecar, command, files };
}

function startCommand(
  network: RunNetwork,
  request: RunRequest,
  setting: Setting & { readonly folder: string; readonly runs: string },
): ConfinedCommand {
  const { context, voice, directory, folder, runs, terminal, user, bindings, start, notes } = setting;
  for (const line of notes) voice.note(line);
  if (!refuseKeys()) voice.note("this kernel filters no system calls, so the command has the kernel's keys");
  const trust = bindsAny(bindings) ? trustFolder(folder) : undefined;
  const readOnly = request.origins.map(({ path }) => path);
  const { complain } = voice;
  const path = trustedPath(context.env["PATH"]);
  const resolvConf = renderResolvConf();
  const place = { directory, folder, runs, terminal, user, path, readOnly, trust, resolvConf, complain };
  return startConfinedCommand(network, start, place);
}

/** It ends while the kernel is busy with the link, if it has nothing left to send. */
async function endSidecar(
  starting: Promise<RunSidecar>,
  steps: AsyncDisposable,
  { sendsAtEnd }: Setting,
): Promise<void> {
  const ending = starting.then(
    (sidecar) => sidecar[Symbol.asyncDispose](),
    () => undefined, // it has been ended, and why it did not start is told by whoever waits for it
  );
  if (sendsAtEnd) await ending;
  await steps[Symbol.asyncDispose]();
  await ending;
}

function renderUpstream(address: string): string {
  return address.includes(":") ? `[${address}]:53` : address;
}
