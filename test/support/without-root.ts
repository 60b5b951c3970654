/**
 * A user without root on a machine that a namespace plays, who may open /dev/net/tun as udev lets everybody.
 */
import { chownSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OPEN_TUN =
  'mount -t tmpfs tun /dev/net && mknod /dev/net/tun c 10 200 && chmod 666 /dev/net/tun && exec "$@"';

/** Put before a program that is to be the user's. */
export function asUser(uid: number, gid: number): readonly string[] {
  const setpriv = ["/usr/bin/setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", OPEN_TUN, "sh", ...setpriv];
}

/** A folder of the user's, for home and temporary files. */
export async function makePlaceOf(uid: number, gid: number): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), "egress-without-root-"));
  chownSync(place, uid, gid);
  return place;
}
