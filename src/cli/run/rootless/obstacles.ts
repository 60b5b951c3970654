/** What on this machine stands in the way of a run without root, each with what would help. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { findTool, missingTools } from "../../../netns/find-tool.ts";
import { oneLine, type Problem } from "../../../policy/problem.ts";

const SWITCHES = [
  ["/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"],
  ["/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"],
  [
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "1",
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows unshare(1) userns",
  ],
] as const;

const TUN = "/dev/net/tun";

/** None: it can be tried. `path` is where programs are looked for. Starts one program. */
export function findObstacles(path: string, user: string | undefined): readonly Problem[] {
  if (user !== undefined && user !== String(process.getuid?.()))
    return [{ path: "--user", message: "without root the command is you: sudo egress run --user ..." }];
  const reason = lacks(path) ?? (accessible(TUN) ? undefined : noTun()) ?? foreignTerminal() ?? refusal(path);
  return reason === undefined
    ? []
    : [{ path: "", message: `without root, ${reason}; or: sudo egress run ...` }];
}

function lacks(path: string): string | undefined {
  const [missing] = missingTools(["pasta", "unshare"], path);
  const isOther = missing?.startsWith("pasta") === true && findTool("slirp4netns", path) !== undefined;
  return isOther ? `${missing}; slirp4netns, which is there, does not do` : missing;
}

function noTun(): string {
  const remedy = existsSync(TUN) ? `chmod 666 ${TUN}` : "modprobe tun";
  return `${TUN} cannot be opened, which pasta needs; root may allow it: ${remedy}`;
}

/** After su(1) it is the other user's. */
function foreignTerminal(): string | undefined {
  const isForeign = [0, 1, 2].some((fd) => isatty(fd) && !accessible(`/proc/self/fd/${fd}`));
  return isForeign
    ? "this terminal is another user's, as after su; take one of your own: script -qc 'egress run ...' /dev/null"
    : undefined;
}

function refusal(path: string): string | undefined {
  const args = ["--user", "--map-root-user", "--net", "--mount", "true"];
  const { status, stderr } = spawnSync(findTool("unshare", path) ?? "unshare", args, {
    encoding: "utf8",
    cwd: "/",
  });
  if (status === 0) return undefined;
  return explainRefusal(stderr ?? "", (setting) =>
    existsSync(setting) ? readFileSync(setting, "ascii").trim() : undefined,
  );
}

/**
 * `said` is unshare(1)'s complaint, `read` gives a setting's value, undefined if the kernel has none of
 * that name.
 */
export function explainRefusal(said: string, read: (path: string) => string | undefined): string {
  const switched = SWITCHES.find(([path, value]) => read(path) === value);
  const remedy = switched === undefined ? "" : `; root may allow them: ${switched[2]}`;
  return `this machine gives you no user namespace (${oneLine(said.trim())})${remedy}`;
}

function accessible(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
