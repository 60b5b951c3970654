/**
 * Values that are read again from time to time, each at the interval of its source, and sooner after a
 * failure.
 */
import type { StoredCredential } from "../change/vault-state.ts";
import type { Result } from "../../policy/problem.ts";
import type { Secret } from "../secret.ts";
import type { LoadSource } from "./load-source.ts";

/** This many sources are read at once. */
const AT_ONCE = 4;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

export interface RefreshPorts {
  readonly load: LoadSource;
  /** The outcome for a credential that has not been replaced meanwhile. */
  readonly onRead: (credential: StoredCredential, result: Result<Secret>) => void;
  readonly nowMs: () => number;
}

export interface SourceRefresh {
  /**
   * From now on these are the credentials. One keeps its time if it is the same object, or the outcome of its
   * own reading.
   */
  follow(credentials: Iterable<StoredCredential>): void;
  close(): void;
}

interface Followed {
  credential: StoredCredential;
  dueMs: number;
  retryMs: number;
  isReading: boolean;
}

export function createSourceRefresh({ load, onRead, nowMs }: RefreshPorts): SourceRefresh {
  /** By id: a credential's value changes, its id does not. */
  let all = new Map<number, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function schedule(): void {
    clearTimeout(timer);
    const waiting = [...all.values()].filter(({ isReading }) => !isReading);
    const free = all.size - waiting.length < AT_ONCE;
    if (isClosed || !free || waiting.length === 0) return;
    const dueMs = Math.min(...waiting.map((one) => one.dueMs));
    timer = setTimeout(readNext, Math.max(0, dueMs - nowMs())).unref();
  }

  function readNext(): void {
    const [next] = [...all.values()]
      .filter(({ isReading, dueMs }) => !isReading && dueMs <= nowMs())
      .toSorted((one, other) => one.dueMs - other.dueMs);
    if (next !== undefined) void read(next);
    schedule();
  }

  async function read(followed: Followed): Promise<void> {
    followed.isReading = true;
    const { credential } = followed;
    const result = await load(credential.source);
    followed.isReading = false;
    if (isClosed) return;
    if (all.get(credential.id) === followed) {
      const againMs = refreshMs(credential) ?? LAST_RETRY_MS;
      followed.dueMs = nowMs() + (result.ok ? againMs : Math.min(followed.retryMs, againMs));
      followed.retryMs = result.ok ? FIRST_RETRY_MS : Math.min(2 * followed.retryMs, LAST_RETRY_MS);
      onRead(credential, result);
    }
    schedule();
  }

  return {
    follow(credentials) {
      const next = new Map<number, Followed>();
      for (const credential of credentials) {
        const periodMs = refreshMs(credential);
        if (periodMs === undefined) continue;
        const old = all.get(credential.id);
        if (old !== undefined && old.credential.source === credential.source) {
          old.credential = credential;
          next.set(credential.id, old);
        } else {
          const dueMs = nowMs() + periodMs;
          next.set(credential.id, { credential, dueMs, retryMs: FIRST_RETRY_MS, isReading: false });
        }
      }
      all = next;
      schedule();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function refreshMs({ source }: StoredCredential): number | undefined {
  if (source.type !== "file" && source.type !== "command") return undefined;
  return source.refreshAfterSeconds === undefined ? undefined : source.refreshAfterSeconds * 1000;
}
