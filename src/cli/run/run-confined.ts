/** A run from its network to the command's end; all that it has made is undone then, whatever happens. */
import type { CliContext } from "../context.ts";
import { findRunsPlace, labelRun, socketOfRun } from "../call/running-runs.ts";
import { EXIT } from "../exit-codes.ts";
import type { CommandUser } from "./command/command-user.ts";
import { startConfinedCommand } from "./command/confined-command.ts";
import { catchSignals } from "./command/interrupts.ts";
import { commandEnvironment, renderResolvConf } from "./command/surroundings.ts";
import { makeRunFolder } from "./network/run-folder.ts";
import { createRunNetwork, drawRunId } from "./network/run-network.ts";
import { createUndoSteps } from "./network/undo-steps.ts";
import { watchWayOut } from "./network/way-out.ts";
import type { RunOutputs } from "./report/outputs.ts";
import type { Voice } from "./report/voice.ts";
import type { RunRequest } from "./request/arguments.ts";
import { type RunSidecar, startRunSidecar } from "./run-sidecar.ts";
import type { CallerTerminal } from "./terminal/caller-terminal.ts";

export interface Setting {
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

/** Settles with the command's exit code, or 125. Throws InterruptedError, NetworkSetupError, NoSubnetError, SidecarStartError. */
export async function runConfined(request: RunRequest, setting: Setting): Promise<number> {
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

function renderUpstream(address: string): string {
  return address.includes(":") ? `[${address}]:53` : address;
}
