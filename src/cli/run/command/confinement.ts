/**
 * How the command of a run is held: its own process and mount namespaces beside the network namespace, and no
 * capability that leads out of them. It is root still and shares the machine's files, so what root can do by
 * files alone is closed where it is cheap: /run, where the daemons' sockets lie (docker, systemd, D-Bus,
 * resolvers), and /dev, where the disks and terminals are, are its own; kernel settings are read-only; where
 * the machine has these a second time, as in a chroot, they are covered. Shared memory and message queues are
 * its own. Mounts hide paths, not what a process holds already, so it holds nothing: the set-up begins in `/`
 * and walks to the working directory inside the new mounts, and no descriptor but the standard streams is
 * handed on, of those none that leads out. Not closed: files that others run later, sockets elsewhere in the
 * file system.
 */
import type { Argv } from "../../../netns/command.ts";

/** Docker's default set without net_raw, and without mknod: no device cgroup stands behind it here. */
const CAPABILITIES =
  "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+sys_chroot,+audit_write,+setfcap";

/** From here on the shell's arguments are what starts the command, by `renderStart` of exact-start.ts. */
const TAKE_START = 'trap "exit 125" EXIT; . /proc/self/fd/4; trap - EXIT; exec 4<&-';

/**
 * What process 1 is once all is prepared: a shell that waits for its one child, the command. Replacing a
 * subshell, that is never taken for a word of the shell's own, such as `exit` or `echo`.
 */
const WAIT = `${TAKE_START}; (exec "$@"); exit $?`;

/**
 * The same at a terminal. This shell leads the session; the command has a process group of its own, so that
 * Ctrl-Z stops it, which this tells as `stopped STATUS` to descriptor 3. Each such line is answered by `fg`
 * or `bg`: how the command is to go on. It begins stopped. Not a loop: bash leaves one when a job stops. A
 * job that has ended is shown once more by dash's `jobs`, so that is asked twice. Descriptors 4 to 6 are the
 * command's streams, those that `$1` names its terminal.
 */
const FOLLOW = `terminal=$1
${TAKE_START}
exec 4<&0 5>&1 6>&2 7<>/dev/pts/0
case $terminal in *0*) exec 4<&7 ;; esac
case $terminal in *1*) exec 5>&7 ;; esac
case $terminal in *2*) exec 6>&7 ;; esac
exec 0<&7 1>&7 2>&7
set -m
/bin/sh -c 'kill -STOP $$; exec "$@"' sh "$@" 0<&4 1>&5 2>&6 3>&- 4<&- 5>&- 6>&- 7>&- &
exec 1>/dev/null 4<&- 7>&-
[ "$BASH_VERSION" ] || exec 2>/dev/null
follow() {
  jobs %1 >/dev/null 2>&1
  jobs %1 >/dev/null 2>&1 || return $1
  echo "stopped $1" >&3
  read -r how <&3 || return 129
  if [ "$how" = fg ]; then fg %1; else bg %1; wait %1; fi
  follow $?
}
wait %1
follow $?
exit $?`;

/** Runs as process 1 of the new namespaces, with all of root's capabilities; ends by giving them up. */
function renderSetup(mounts: string, privileges: string): string {
  return `set -e
trap "exit 125" EXIT
${mounts}
directory=$1
terminal=$2
script=$3
shift 3
if ! cd -P -- "$directory" 2>/dev/null; then
  echo "egress run: $directory: is not there for the command, or root may not enter it: start the run in another folder" >&2
  exit 125
fi
echo ready >&3
read -r go <&3
if [ "$terminal" ]; then
  set -- setsid sh -c "$script" egress "$terminal"
else
  exec 3<&-
  set -- sh -c "$script" egress
fi
exec ${privileges} -- "$@"
`;
}

interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly isMapped?: boolean;
}

/**
 * The program that gives them up. What is not root keeps no capability; the kernel forgets the death signal
 * when the uid changes.
 */
function renderPrivileges(user: Identity | undefined): string {
  const rest = "--inh-caps=-all --no-new-privs --pdeathsig=KILL";
  if (user === undefined) return `setpriv --bounding-set=${CAPABILITIES} ${rest}`;
  const { uid, gid, groups, isMapped } = user;
  if (isMapped === true)
    return `${mapTo(uid, gid)} -- setpriv --ambient-caps=-all --bounding-set=-all ${rest}`;
  const list = groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`;
  return `setpriv --reuid=${uid} --regid=${gid} ${list} --bounding-set=-all ${rest}`;
}

/**
 * A user namespace below the one that all namespaces of the run belong to: nothing in it has a capability
 * over them.
 */
function mapTo(uid: number, gid: number): string {
  return `unshare --user --map-user=${uid} --map-group=${gid} --keep-caps`;
}

export interface CommandPlace {
  /** Where the command is to work. */
  readonly directory: string;
  /** What {@link prepareOwnPlaces} gives. */
  readonly mounts: string;
  /** Whom it is; root if undefined. */
  readonly user: Identity | undefined;
  /** Which of the standard streams are its terminal: of 0, 1 and 2. None: it has no terminal. */
  readonly terminal: readonly number[];
}

/**
 * The command line, to be run in the network namespace by root, in `/`. Its process 1 is a shell that only
 * waits, so that the command has ordinary signal handling; the command is that shell's one child. All of it
 * ends with the process that started it. Descriptor 3 is the line to process 1, which says `ready` there once
 * the place is made, and waits for a line before the command begins. Descriptor 4 is a file with what
 * `renderStart` of exact-start.ts gives.
 */
export function confinedArgv({ directory, mounts, terminal, user }: CommandPlace): Argv {
  const held: Argv = [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--ipc",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  const script = terminal.length === 0 ? WAIT : FOLLOW;
  const own = [directory, terminal.join(""), script];
  return [...held, "--", "sh", "-c", renderSetup(mounts, renderPrivileges(user)), "egress", ...own];
}

/**
 * Whether process 1 of that command line, given as /proc shows it, has prepared everything: its first child
 * then is the command.
 */
export function isPrepared(commandLine: string): boolean {
  return [WAIT, FOLLOW].some((script) => commandLine.startsWith(`sh\0-c\0${script}\0`));
}
