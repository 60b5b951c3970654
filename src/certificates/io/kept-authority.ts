/**
 * The authority with its file. The bundle is there before anybody relies on it, roots are renewed in time,
 * and what the workload does to the file is undone.
 */
import { setDumpable } from "../../sys/dumpable.ts";
import { type CertificateAuthority, createAuthority } from "../authority.ts";
import type { HostPattern } from "../host-pattern.ts";
import type { Leaf } from "../root.ts";
import { createCaFile } from "./ca-file.ts";

const CHECK_MS = 5_000;

export interface KeptAuthority extends AsyncDisposable {
  /**
   * From now on there are leaves for these hosts and no others. Settles once the file has the roots for them.
   * Throws CaFileError: then the old file may be there, and it is tried again until it succeeds.
   */
  cover(hosts: readonly HostPattern[]): Promise<void>;
  /** As {@link CertificateAuthority.leafFor}. */
  leafFor(name: string): Leaf | undefined;
  /** Whether the file has the roots of now, as far as we know; false while nothing is covered. */
  isWritten(): boolean;
}

export interface AuthorityPlace {
  readonly path: string;
  /** What the wall clock shows. */
  readonly nowMs?: () => number;
  /** The workload has changed the file, and it has been written again. */
  readonly onReplaced: () => void;
  /** The file could not be written, and is tried again: once until it succeeds. */
  readonly onFault: (error: unknown) => void;
}

/** Removes what an earlier process has left there: the first act of a start. Throws CaFileError. */
export async function openKeptAuthority(place: AuthorityPlace): Promise<KeptAuthority> {
  const { nowMs = Date.now, onReplaced, onFault } = place;
  const file = createCaFile(place.path);
  await file.remove();
  const authority: CertificateAuthority = createAuthority(nowMs);
  let isDue = false;
  let isFaulty = false;
  /** One at a time: each act begins when those before it have ended. */
  let last: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    isDue = true;
    const text = authority.bundle();
    if (text === "") await file.remove();
    else await file.write(text);
    isDue = false;
    isFaulty = false;
  }

  async function check(): Promise<void> {
    const hasChanged = authority.renew();
    if (hasChanged || isDue) return write();
    if (authority.bundle() === "" || (await file.isOurs())) return;
    await write();
    onReplaced();
  }

  async function inTurn(act: () => Promise<void>): Promise<void> {
    const turn = last.then(act);
    last = turn.catch(() => undefined); // who asked for it is told
    return turn;
  }

  const timer = setInterval(() => {
    inTurn(check).catch((error: unknown) => {
      if (!isFaulty) onFault(error);
      isFaulty = true;
    });
  }, CHECK_MS);
  timer.unref();

  return {
    async cover(hosts) {
      if (hosts.length > 0) setDumpable(false);
      await inTurn(async () => {
        if (authority.cover(hosts) || isDue) await write();
      });
    },
    leafFor: authority.leafFor,
    isWritten: () => !isDue && authority.bundle() !== "",
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await inTurn(() => file.remove());
    },
  };
}
