/** Who has started a run: under sudo not root, but the user who called it. */
import { readFileSync } from "node:fs";
import type { Environment } from "../../../config/environment.ts";

export interface Caller {
  /** Users whose files are the caller's own: root, and who called. */
  readonly uids: ReadonlySet<number>;
  readonly home: string | undefined;
  /** Where the caller keeps settings; see the XDG Base Directory Specification. */
  readonly configFolder: string | undefined;
  /** Does something with the rights of the caller; for what needs no wait. */
  act<T>(what: () => T): T;
}

export function findCaller(env: Environment, euid = process.geteuid?.() ?? 0): Caller {
  const sudoUid = env["SUDO_UID"] ?? "";
  const isSudo = euid === 0 && /^\d{1,10}$/.test(sudoUid) && sudoUid !== "0";
  const uid = isSudo ? Number(sudoUid) : euid;
  const home = isSudo ? homeOf(uid) : absolute(env["HOME"]);
  // sudo keeps neither: what is set is root's.
  const given = isSudo ? undefined : absolute(env["XDG_CONFIG_HOME"]);
  return {
    uids: new Set([0, uid]),
    home,
    configFolder: given ?? (home === undefined ? undefined : `${home}/.config`),
    act: (what) => (isSudo ? actAs(uid, Number(env["SUDO_GID"] ?? uid), what) : what()),
  };
}

/** Supplementary groups stay as they are, root's. */
function actAs<T>(uid: number, gid: number, what: () => T): T {
  const [ownUid, ownGid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return what();
  } finally {
    process.seteuid?.(ownUid);
    process.setegid?.(ownGid);
  }
}

/** As passwd(5) has it. */
function homeOf(uid: number): string | undefined {
  const entries = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  return absolute(entries.find(([, , id]) => id === String(uid))?.[5]);
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith("/") === true ? path : undefined;
}
