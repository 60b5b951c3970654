/**
 * A run without root. This program starts itself again, in the same process, as root of a user namespace with
 * a network namespace that plays the machine: there everything is as with root, and none of it is on the
 * machine. pasta(1) carries what leaves that network as this user's own connections. What starts pasta stays
 * outside, waits until the network is there, and ends it with this process, however that ends.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Environment } from "../../../config/environment.ts";
import { withSystemFolders } from "../../../config/program-path.ts";
import { findTool } from "../../../netns/find-tool.ts";
import { openRouteSocket } from "../../../netns/route-socket.ts";
import { renderAddress } from "../../../policy/address.ts";
import { keepFromChildren, keepOverExec } from "../../../sys/inherited.ts";
import { openPipe } from "../../../sys/pipe.ts";
import type { Problem } from "../../../policy/problem.ts";
import type { CliContext } from "../../context.ts";
import { handGiven } from "../given/given.ts";
import { INSIDE, LOOPBACK, renderInside } from "./inside.ts";
import { findObstacles } from "./obstacles.ts";

/**
 * Nothing comes in, the gateway's address is not this machine's loopback, and nobody who asks learns
 * anything.
 */
const PASTA =
  "--config-net --quiet --no-map-gw -t none -u none -T none -U none --no-dhcp --no-dhcpv6 --no-ra".split(" ");

/**
 * Reads a line when the network is there, answers by one on descriptor 3, then waits for the end of its
 * input. Whom it ends then is told by a file, which other processes of this user can write to, as another
 * run's command: so it has to be a pasta that was started with our arguments.
 */
const KEEP = `read -r go || exit 0
if ! folder=$(mktemp -d 2>&1); then echo "$folder" >&3; exit 1; fi
pid=
if pasta "$@" --pid "$folder/pid" ${process.pid} </dev/null >/dev/null 2>"$folder/said" 3>&-; then
  pid=$(cat "$folder/pid")
  if tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -qE '^([^ ]*/)?pasta .* ${process.pid} $'; then
    echo ready >&3
  else
    pid=
    echo "pasta: what its file of process numbers names is no pasta of this run" >&3
  fi
else
  echo "pasta: $(grep -v 'to syslog$' "$folder/said" | tr '\\n' ' ')" >&3
fi
rm -rf "$folder"
exec 3>&-
read -r end
[ -z "$pid" ] || kill -KILL "$pid"`;

const OWN_NAMESPACES = ["--user", "--map-root-user", "--net", "--mount"];

/** Comes back only with what stands in the way. Throws Node's errors, SystemCallError. */
export function runWithoutRoot(
  argv: readonly string[],
  context: CliContext,
  user: string | undefined,
): readonly Problem[] {
  keepFromChildren();
  const obstacles = findObstacles(withSystemFolders(context.env["PATH"]), user);
  if (obstacles.length === 0) enterOwnNamespaces(argv, context);
  return obstacles;
}

function enterOwnNamespaces(argv: readonly string[], { program, env }: CliContext): void {
  const path = withSystemFolders(env["PATH"]);
  const unshare = findTool("unshare", path) ?? "unshare";
  const [orders, answers] = [openPipe(), openPipe()];
  const stdio = [orders.reading, "ignore", "ignore", answers.writing] as const;
  const place = { stdio: [...stdio], cwd: "/", env: { ...env, PATH: path }, detached: true };
  spawn("/bin/sh", ["-c", KEEP, "egress-pasta", ...PASTA], place);
  closeSync(orders.reading);
  closeSync(answers.writing);
  for (const fd of [orders.writing, answers.reading]) keepOverExec(fd);
  const handed = { orders: orders.writing, answers: answers.reading, addresses: findOwnAddresses() };
  const given = { argv: ["run", ...argv], env: { ...env, [INSIDE]: renderInside(handed) }, nameless: 0 };
  const [name, value] = handGiven(given);
  const args = [unshare, ...OWN_NAMESPACES, "--", ...program, "run"];
  assert(process.execve !== undefined, "Node has no execve");
  process.execve(unshare, args, { ...textsOf(env), [name]: value });
}

/**
 * Of every interface, with its prefix length. Of loopback, too: what is not 127.0.0.0/8 or ::1 there can be
 * sent to from elsewhere.
 */
function findOwnAddresses(): readonly string[] {
  const routes = openRouteSocket();
  try {
    return routes
      .addresses()
      .map(({ interfaceIndex, octets, length }) => {
        // On loopback the whole range of an IPv4 address is the machine's own.
        const isRange = interfaceIndex === LOOPBACK && octets.length === 4;
        return `${renderAddress(octets)}/${isRange ? length : octets.length * 8}`;
      })
      .filter((address) => !address.startsWith("127.") && address !== "::1/128");
  } finally {
    routes.close();
  }
}

/** For Node itself and its libraries; all of it is in what is handed over. */
function textsOf(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value?.isWellFormed() === true && name.isWellFormed() ? [[name, value]] : [],
    ),
  );
}
