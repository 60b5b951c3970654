/** What ends a run before its command does. */
import { constants } from "node:os";

/** A signal that ended the run before the command was started. */
export class InterruptedError extends Error {
  readonly code = "interrupted";
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** No free subnet is left on the machine. */
export class NoSubnetError extends Error {
  readonly code = "no-subnet";
}

/** The network of a run could not be made. */
export class NetworkSetupError extends Error {
  readonly code = "network-setup";
}

/** What the kernel says of a run's network, and who may make one. */
export function kernelRefuses({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}): string {
  const remedy =
    code === "EPERM"
      ? "; a run as root needs CAP_SYS_ADMIN and CAP_NET_ADMIN, which a container has if it is privileged"
      : "";
  return `the kernel does not let a run's network be made: ${message}${remedy}`;
}

const LACKS_SHOWN = 3;

/** The place of the command is not what it was to be: `lacks` says what is missing, for people. */
export class ConfinementError extends Error {
  readonly code = "not-confined";

  constructor(lacks: readonly string[]) {
    const more = lacks.length - LACKS_SHOWN;
    const shown = [...lacks.slice(0, LACKS_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(", ");
    super(
      `the command would not be confined: ${shown}; a run needs mount and unshare of util-linux first in PATH, which the packages mount and util-linux have on Debian and Alpine`,
    );
  }
}

/** The sidecar ended, or was not healthy in time; `output` is what it said last. */
export class SidecarStartError extends Error {
  readonly code = "sidecar-not-started";
  readonly exitCode: number | null;
  readonly output: readonly string[];

  constructor(message: string, exitCode: number | null, output: readonly string[]) {
    super(message);
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** The sidecar does not take the run's secrets, with its reason. */
export class SecretsRefusedError extends Error {
  readonly code = "secrets-refused";

  constructor(reason: string) {
    super(`--secret: ${reason}`);
  }
}

/** A file that the run was asked to write cannot be written. */
export class RunFileError extends Error {
  readonly code = "run-file";
}
