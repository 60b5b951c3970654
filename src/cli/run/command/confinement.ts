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
const SETUP = `set -e
trap "exit 125" EXIT
mount -t proc -o nosuid,nodev,noexec proc /proc
for path in /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs /proc/acpi /proc/scsi; do
  [ -e "$path" ] || continue
  mount --bind "$path" "$path"
  mount -o remount,bind,ro "$path"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys

capabilities=$1
directory=$2
resolv_conf=$3
shift 3
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mkdir -m 1777 /run/lock
target=$(readlink -m /etc/resolv.conf)
case $target in
/run/*)
  mkdir -p "\${target%/*}"
  printf '%s' "$resolv_conf" >"$target"
  ;;
*)
  if [ -e "$target" ]; then
    printf '%s' "$resolv_conf" >/run/resolv.conf
    mount --bind /run/resolv.conf "$target"
  fi
  ;;
esac

mkdir /run/dev
mount -t tmpfs -o nosuid,noexec,mode=755 tmpfs /run/dev
for node in null zero full random urandom tty; do
  : >"/run/dev/$node"
  mount --bind "/dev/$node" "/run/dev/$node"
done
mkdir /run/dev/pts
mkdir -m 1777 /run/dev/shm
ln -s /proc/self/fd /run/dev/fd
ln -s fd/0 /run/dev/stdin
ln -s fd/1 /run/dev/stdout
ln -s fd/2 /run/dev/stderr
ln -s pts/ptmx /run/dev/ptmx
mount -t devpts -o newinstance,nosuid,noexec,mode=620,ptmxmode=666 devpts /run/dev/pts
terminal=$(readlink /proc/self/fd/0)
case $terminal in
/dev/pts/* | /dev/tty*)
  : >/run/dev/console
  mount --bind "$terminal" /run/dev/console
  ;;
esac
mount --move /run/dev /dev
rmdir /run/dev

if ! cd -P -- "$directory" 2>/dev/null; then
  echo "egress run: $directory is not there for the command, which starts in /" >&2
  cd /
fi
exec setpriv --bounding-set "$capabilities" --inh-caps -all --no-new-privs -- sh -c '${WAITING}' egress "$@"
`;

export interface CommandPaths {
  /** Where the command is to work. */
  readonly directory: string;
  /** The command's own PATH; the set-up needs the system's folders in its. */
  readonly path: string | undefined;
  /** The text of its /etc/resolv.conf. */
  readonly resolvConf: string;
}

/**
 * The command line, to be run in the network namespace by root, in `/`. Its process 1 is a shell that only waits, so that the command has
 * ordinary signal handling; the command is that shell's one child. All of it ends with the process that started it.
 */
export function confinedArgv(command: Argv, { directory, path = "", resolvConf }: CommandPaths): Argv {
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
  ];
  return [
    ...held,
    "--",
    "sh",
    "-c",
    SETUP,
    "egress",
    CAPABILITIES,
    directory,
    resolvConf,
    path,
    program,
    ...args,
  ];
}
