/** Keeps a program of ours from the machine's own sidecar, be it there, dead, or about to be installed. */
import type { Argv } from "../../src/netns/command.ts";

/**
 * Where a sidecar is unless settings say otherwise: its socket with the queue holders' file beside it, and
 * its rules.
 */
const PLACES = ["/run/opensandbox", "/var/egress"];

/** Where the workload looks for our certificates; what else lies in that folder's parent is there still. */
export const CA_FOLDER = "/opt/opensandbox";

/**
 * Programs by their paths, since a test may take the PATH away. Only these mounts are the command's own: a
 * network namespace that it makes is still seen by others.
 */
const SCRIPT = `for place in ${PLACES.join(" ")}; do
  [ -d "$place" ] || continue
  /usr/bin/mount --make-private "$(/usr/bin/stat --format=%m "$place")" || exit 71
  /usr/bin/mount -t tmpfs tmpfs "$place" || exit 71
done
if [ -n "$OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT" ] && [ -d /opt ]; then
  /usr/bin/mount --make-private "$(/usr/bin/stat --format=%m /opt)" || exit 71
  /usr/bin/mount --bind /opt /mnt && /usr/bin/mount -t tmpfs tmpfs /opt || exit 71
  for child in /mnt/*/; do
    [ "$child" != "/mnt/*/" ] && [ "$child" != /mnt/opensandbox/ ] || continue
    /bin/mkdir "/opt/\${child#/mnt/}" && /usr/bin/mount --bind "$child" "/opt/\${child#/mnt/}" || exit 71
  done
fi
exec "$@"`;

/**
 * The command line that runs `argv` where these places are empty folders of its own, or not there; the
 * process id stays the same.
 */
export function withOwnPlaces(argv: Argv): Argv {
  return ["/usr/bin/unshare", "--mount", "--propagation=unchanged", "/bin/sh", "-c", SCRIPT, "sh", ...argv];
}
