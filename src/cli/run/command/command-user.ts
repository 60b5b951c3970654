/**
 * Whom the command of a run is: under sudo its caller, otherwise root as we are, unless `--user` says
 * something else.
 */
import { spawnSync } from "node:child_process";
import type { Environment } from "../../../config/environment.ts";
import { accepted, refused, type Result } from "../../../policy/problem.ts";

export interface CommandUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** Whether a user namespace shows it as root: the command gets one of its own, which shows it as it is. */
  readonly isMapped?: boolean;
  /** What of its environment says who it is; undefined is taken out. */
  readonly env: Environment;
}

/** What sudo says of its caller, for a program that is root. The command is not. */
export const OF_SUDO = ["SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_HOME", "SUDO_COMMAND", "MAIL"];

/** The largest uid or gid; the one above it stands for none. */
const LARGEST_ID = 0xffff_fffe;

/**
 * What getent(1) takes as a number (strtoul(3)), and cuts to 32 bits: 4294967296 would be root's. A uid is
 * written with digits alone.
 */
const READS_AS_NUMBER = /^\s*[+-]?\d+$/;

/** The output of a program, undefined if it fails or is not there. */
export type Ask = (program: string, ...args: readonly string[]) => string | undefined;

/** `asked` is what `--user` says: NAME, UID or UID:GID. Undefined is root, with the environment as it is. */
export function findCommandUser(
  asked: string | undefined,
  env: Environment,
  ask: Ask = askMachine,
): Result<CommandUser | undefined> {
  return asked === undefined ? accepted(findCaller(env, ask)) : findAsked(asked, ask);
}

function findCaller(env: Environment, ask: Ask): CommandUser | undefined {
  const [uid, gid] = [parseId(env["SUDO_UID"]), parseId(env["SUDO_GID"])];
  if (uid === undefined || uid === 0) return undefined;
  return findByKey(String(uid), ask) ?? bareUser(uid, gid ?? uid);
}

function findAsked(asked: string, ask: Ask): Result<CommandUser | undefined> {
  if (!hasForm(asked)) return refused(`"${asked}" is no user; give NAME, UID or UID:GID`, "--user");
  const [key = "", group] = asked.split(":");
  const [uid, gid] = [parseId(key), parseId(group)];
  if (uid !== undefined && gid !== undefined)
    return accepted(uid === 0 && gid === 0 ? undefined : { ...bareUser(uid, gid), ...namesOf(key, ask) });
  if (uid === 0) return accepted(undefined);
  const found = findByKey(key, ask);
  if (found !== undefined) return accepted(found.uid === 0 ? undefined : found);
  const reason = uid === undefined ? "this machine knows no such user" : "it has no group here: give UID:GID";
  return refused(`"${asked}": ${reason}`, "--user");
}

function hasForm(asked: string): boolean {
  const [key = "", group, ...more] = asked.split(":");
  if (key === "" || more.length > 0) return false;
  const hasUid = parseId(key) !== undefined;
  return group === undefined ? hasUid || !READS_AS_NUMBER.test(key) : hasUid && parseId(group) !== undefined;
}

/** By name or number, with all groups that it is in. */
function findByKey(key: string, ask: Ask): CommandUser | undefined {
  const entry = readEntry(key, ask);
  if (entry === undefined) return undefined;
  const { name, uid, gid } = entry;
  const groups = (ask("id", "-G", "--", name) ?? String(gid)).trim().split(" ").map(Number);
  return { uid, gid, groups, env: environmentOf(entry) };
}

/** Somebody of whom nothing is known but the numbers. */
function bareUser(uid: number, gid: number): CommandUser {
  const env = { ...forgetSudo(), HOME: "/", USER: String(uid), LOGNAME: String(uid), SHELL: "/bin/sh" };
  return { uid, gid, groups: [gid], env };
}

function namesOf(key: string, ask: Ask): { readonly env?: Environment } {
  const entry = readEntry(key, ask);
  return entry === undefined ? {} : { env: environmentOf(entry) };
}

interface Entry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** Of passwd(5), or whatever else this machine keeps its users in. */
function readEntry(key: string, ask: Ask): Entry | undefined {
  const [line = ""] = (ask("getent", "passwd", "--", key) ?? "").split("\n");
  const [name = "", , uid, gid, , home = "", shell = ""] = line.split(":");
  const [uidNumber, gidNumber] = [parseId(uid), parseId(gid)];
  if (name === "" || uidNumber === undefined || gidNumber === undefined) return undefined;
  return { name, uid: uidNumber, gid: gidNumber, home, shell };
}

function environmentOf({ name, home, shell }: Entry): Environment {
  const [HOME, SHELL] = [home === "" ? "/" : home, shell === "" ? "/bin/sh" : shell];
  return { ...forgetSudo(), HOME, USER: name, LOGNAME: name, SHELL };
}

function forgetSudo(): Environment {
  return Object.fromEntries(OF_SUDO.map((name) => [name, undefined]));
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= LARGEST_ID ? id : undefined;
}

function askMachine(program: string, ...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}
