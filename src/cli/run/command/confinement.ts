/**
 * How the command of a run is held: its own process and mount namespaces beside the network namespace, and no capability that
 * leads out of them. It is root still and shares the machine's files, so what root can do by files alone is closed where it is
 * cheap: /run, where the daemons' sockets lie (docker, systemd, D-Bus, resolvers), and /dev, where the disks and terminals are,
 * are its own; kernel settings are read-only. Mounts hide paths, not what a process holds already, so it holds nothing: the set-up begins
 * in `/` and walks to the working directory inside the new mounts, and no descriptor but the standard streams is handed on.
 * Not closed: files that others run later, sockets elsewhere in the file system.
 */
import type { Argv } from "../../../netns/command.ts";

/** Docker's default set without net_raw, and without mknod: no device cgroup stands behind it here. */
const CAPABILITIES =
  "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+sys_chroot,+audit_write,+setfcap";

/** The script that process 1 is once all is prepared; by it the command line of process 1 tells that it is. Its first argument is PATH. */
export const WAITING = 'if [ "$1" ]; then PATH=$1; else unset PATH; fi; shift; "$@"; exit $?';

/** Runs as process 1 of the new namespaces, with all of root's capabilities; ends by giving them up. */
function renderSetup(mounts: string): string {
  return `set -e
trap "exit 125" EXIT
${mounts}
capabilities=$1
directory=$2
shift 2
if ! cd -P -- "$directory" 2>/dev/null; then
  echo "egress run: $directory is not there for the command, which starts in /" >&2
  cd /
fi
exec setpriv --bounding-set "$capabilities" --inh-caps -all --no-new-privs -- sh -c '${WAITING}' egress "$@"
`;
}

export interface CommandPaths {
  /** Where the command is to work. */
  readonly directory: string;
  /** The command's own PATH; the set-up needs the system's folders in its. */
  readonly path: string | undefined;
  /** What {@link prepareOwnPlaces} gives. */
  readonly mounts: string;
}

/**
 * The command line, to be run in the network namespace by root, in `/`. Its process 1 is a shell that only waits, so that the command has
 * ordinary signal handling; the command is that shell's one child. All of it ends with the process that started it.
 */
export function confinedArgv(command: Argv, { directory, path = "", mounts }: CommandPaths): Argv {
  const [program, ...args] = command;
  const held: Argv = [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  return [
    ...held,
    "--",
    "sh",
    "-c",
    renderSetup(mounts),
    "egress",
    CAPABILITIES,
    directory,
    path,
    program,
    ...args,
  ];
}
