/** A file system in memory, which only the processes of this mount namespace find (mount(2), tmpfs(5)). */
import { createArena } from "./arena.ts";
import { mustCall, tryCall } from "./libc.ts";

const MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
const MNT_DETACH = 2;

/**
 * Mounts an empty one at the folder, for its owner alone. Disposing takes it away. Needs CAP_SYS_ADMIN over
 * the mount namespace. Throws SystemCallError.
 */
export function mountMemory(path: string): Disposable {
  const name = toCString("tmpfs");
  const target = toCString(path);
  const options = toCString("mode=0700");
  const type = name.address(0);
  mustCall(path, "mount", type, target.address(0), type, MS_NOSUID_NODEV_NOEXEC, options.address(0));
  return { [Symbol.dispose]: () => void tryCall("umount2", target.address(0), MNT_DETACH) };
}

function toCString(text: string): ReturnType<typeof createArena> {
  const octets = Buffer.from(`${text}\0`);
  const arena = createArena(octets.length);
  arena.octets.set(octets);
  return arena;
}
