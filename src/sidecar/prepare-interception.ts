/**
 * What has to be there before anything is intercepted: the certificates' file, without an old one, and the
 * roots that hosts are checked against.
 */
import type { SecureContext } from "node:tls";
import type { Log } from "../audit/log.ts";
import { CaFileError } from "../certificates/errors.ts";
import { type KeptAuthority, openKeptAuthority } from "../certificates/io/kept-authority.ts";
import type { Settings } from "../config.ts";
import { INTERCEPTION_VARIABLES } from "../config/interception-variables.ts";
import { TrustError } from "../intercept/errors.ts";
import { readTrust } from "../intercept/io/trust.ts";
import type { Problem } from "../policy/problem.ts";

export interface PreparedInterception {
  readonly authority: KeptAuthority;
  readonly trust: SecureContext;
}

export interface Preparation {
  /** Undefined if nothing is to be intercepted, or something is wrong. */
  readonly prepared: PreparedInterception | undefined;
  readonly problems: readonly Problem[];
}

/**
 * The first act of a start, since a workload that starts beside us trusts what it finds. Once it is not
 * needed any more `prepared.authority` has to be disposed of.
 */
export async function prepareInterception(
  settings: Settings,
  { logger }: Pick<Log, "logger">,
): Promise<Preparation> {
  const problems: Problem[] = [];
  const authority = await openAuthority(settings, logger).catch(
    asProblem(CaFileError, INTERCEPTION_VARIABLES.intercepts.name, problems),
  );
  const trusted = { folder: settings.trustFolder, extra: settings.extraTrust };
  const trust = await readTrust(trusted).catch(
    asProblem(TrustError, INTERCEPTION_VARIABLES.extraTrust.name, problems),
  );
  if (authority !== undefined && trust !== undefined) {
    // Which hosts will be bound is not known when a sandbox reads our certificate, once: the root may sign
    // for any, unless told otherwise.
    authority.cover(settings.certificateHosts).catch((error: unknown) => tellUnwritten(logger, error));
    return { prepared: { authority, trust }, problems };
  }
  await authority?.[Symbol.asyncDispose]();
  return { prepared: undefined, problems };
}

function openAuthority({ certificateFile }: Settings, logger: Log["logger"]): Promise<KeptAuthority> {
  return openKeptAuthority({
    path: certificateFile,
    onReplaced: () =>
      logger.warn("the sandbox has changed the file of our certificates: it is written again"),
    onFault: (error) =>
      logger.error({ err: error }, "the file of our certificates cannot be written: it is tried again"),
  });
}

function tellUnwritten(logger: Log["logger"], error: unknown): void {
  logger.error({ err: error }, "the file of our certificates cannot be written: it is tried again");
}

/** A problem that an operator can solve is a problem of the start; any other error goes on to the caller. */
function asProblem(
  kind: new (...given: never[]) => Error,
  path: string,
  problems: Problem[],
): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof kind)) throw error;
    problems.push({ path, message: error.message });
    return undefined;
  };
}
