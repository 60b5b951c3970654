/**
 * What a run with secrets has beside others: its sidecar's settings, the command's environment, and what is
 * done once the sidecar serves.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Environment } from "../../../config/environment.ts";
import { SecretsRefusedError } from "../errors.ts";
import { hideSecrets, isShort } from "./hide-secrets.ts";
import { bindsAny, type RunBindings } from "./secret-bindings.ts";
import { trustEnvironment } from "./trust-environment.ts";
import { SEEN_FILES, writeTrustFiles } from "./trust-files.ts";

const LIMIT_MS = 15_000;
const LOOK_AGAIN_MS = 5;
/** A renewed root is in the sidecar's file for hours before it signs. */
const RENEWED_EVERY_MS = 60_000;

export interface HiddenSecrets {
  readonly env: Environment;
  /** Lines for the caller. */
  readonly notes: readonly string[];
}

/** The environment as it is if nothing is bound. */
export function hideFromCommand(env: Environment, bindings: RunBindings): HiddenSecrets {
  if (!bindsAny(bindings)) return { env, notes: [] };
  const hidden = hideSecrets(env, bindings.secrets);
  return {
    env: { ...hidden.env, ...trustEnvironment(SEEN_FILES, env) },
    notes: [
      ...hidden.alsoHeld.map((name) => `${name} holds a secret, too: it has the placeholder as well`),
      ...hidden.takenOut.map((name) => `${name} holds a secret in another spelling: it is taken out`),
      ...noteShort(bindings, hidden.leftAsTheyAre),
    ],
  };
}

/** What comes of secrets that are words, or nearly: in the command's environment and in answers. */
function noteShort({ secrets }: RunBindings, left: readonly string[]): readonly string[] {
  const names = secrets.filter(isShort).map(({ name }) => name);
  if (names.length === 0) return [];
  const one = names.length === 1;
  const notes = [
    `${names.join(" and ")} ${one ? "is" : "are"} short: wherever the text stands in an answer of its hosts, ` +
      "[REDACTED] is in its place, and who tries all such texts finds it out",
  ];
  if (left.length === 0) return notes;
  return [...notes, `as that text is short, these variables have it and are left: ${left.join(" ")}`];
}

/** For the sidecar; its roots are for the bound hosts alone. */
export function sidecarSettings(folder: string, bindings: RunBindings): Environment {
  // Nothing of a run's is written to where the machine's sidecar would write it.
  const ofRun = { OPENSANDBOX_EGRESS_CA_FILE: rootsIn(folder) };
  if (!bindsAny(bindings)) return ofRun;
  const hosts = [...bindings.secrets, ...bindings.reads].flatMap((one) => one.hosts);
  return {
    ...ofRun,
    OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true",
    OPENSANDBOX_EGRESS_CA_HOSTS: [...new Set(hosts)].join(","),
  };
}

/** Below the run's folder, what the command sees in its /run. */
export function trustFolder(folder: string): string {
  return join(folder, "trust");
}

export interface SecretsPlace {
  readonly folder: string;
  readonly socketPath: string;
  /** The caller's. */
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Told that renewed roots could not be given to the command, once until they are; it is tried again. */
  readonly onStale: (reason: string) => void;
}

/**
 * Settles once requests get the secrets, and programs trust the roots; renewed roots follow until it is
 * disposed of. Throws SecretsRefusedError, Node's errors, the reason of `signal`.
 */
export async function openSecrets(bindings: RunBindings, place: SecretsPlace): Promise<Disposable> {
  if (!bindsAny(bindings)) return new DisposableStack();
  const { folder, socketPath, env, signal } = place;
  // Not at the top: with it comes node:http, which takes runs without secrets 20 ms.
  const { putSecrets } = await import("./put-secrets.ts");
  const [roots] = await Promise.all([
    readRoots(rootsIn(folder), signal),
    putSecrets(socketPath, bindings, signal),
  ]);
  writeTrustFiles(trustFolder(folder), roots, env);
  return keepTrustFiles(roots, place, RENEWED_EVERY_MS);
}

/** Writes the files again whenever the sidecar's has other roots than `written`. */
export function keepTrustFiles(
  written: string,
  { folder, env, onStale }: Pick<SecretsPlace, "folder" | "env" | "onStale">,
  everyMs: number,
): Disposable {
  let last = written;
  let isStale = false;
  const timer = setInterval(() => {
    try {
      const roots = readFileSync(rootsIn(folder), "utf8");
      if (roots !== last) writeTrustFiles(trustFolder(folder), roots, env);
      last = roots;
      isStale = false;
    } catch (error) {
      if (!isStale) onStale(error instanceof Error ? error.message : String(error));
      isStale = true;
    }
  }, everyMs);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}

function rootsIn(folder: string): string {
  return join(folder, "roots.pem");
}

/** The sidecar renames the file into its place, whole. */
async function readRoots(path: string, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
    if (performance.now() > deadline) throw new SecretsRefusedError("the sidecar has written no certificate");
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}
