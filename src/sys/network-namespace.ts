import { closeSync, openSync } from "node:fs";
import { mustCall, tryCall } from "./libc.ts";

const CLONE_NEWNET = 0x4000_0000;

/**
 * Does one synchronous step in another network namespace: sockets that it opens belong there for ever, no
 * matter who uses them later. `namespace` is an open file of it (`/run/netns/NAME`, `/proc/PID/ns/net`). Only
 * this thread is there, and only until `open` returns or throws; a thread that could not come back would open
 * everything in the wrong place, so then the process ends. Needs CAP_SYS_ADMIN. Throws SystemCallError.
 */
export function inNamespace<T>(namespace: number, open: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    mustCall("network namespace", "setns", namespace, CLONE_NEWNET);
    try {
      return open();
    } finally {
      if (tryCall("setns", home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

/**
 * Makes a network namespace and gives back an open file of it, which no program that is started gets. Nobody
 * finds it by a name: it ends, and all that is in it, with the last process in it and the last such file.
 * Needs CAP_SYS_ADMIN. Throws SystemCallError.
 */
export function makeNamespace(): number {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    mustCall("network namespace", "unshare", CLONE_NEWNET);
    try {
      return openSync("/proc/thread-self/ns/net", "r");
    } finally {
      if (tryCall("setns", home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}
