/** Reads what the doctor needs to know of the place that it is run in. */
import { createSocket } from "node:dgram";
import { accessSync, constants, readFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { AF_VSOCK, openBareSocket } from "../../sys/bare-socket.ts";
import { interfaceIndex } from "../../sys/interface-index.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { mayUnshareUsers } from "../../sys/namespace-facts.ts";
import { SOCK_STREAM } from "../../sys/socket.ts";
import { deviceNames } from "../frames.ts";
import type { Device } from "../device.ts";

const NO_HARDWARE = Buffer.alloc(6);

/** All interfaces but lo, those without addresses too. One that goes away meanwhile is left out. */
export function readDevices(): readonly Device[] {
  const addresses = networkInterfaces();
  return deviceNames(readFileSync("/proc/self/net/dev", "ascii")).flatMap((name) => {
    const mac = addresses[name]?.[0]?.mac;
    const hardware = mac === undefined ? NO_HARDWARE : Buffer.from(mac.replaceAll(":", ""), "hex");
    try {
      return [{ name, index: interfaceIndex(name), hardware }];
    } catch (error) {
      if (error instanceof SystemCallError) return [];
      throw error;
    }
  });
}

/**
 * The address that a datagram to there would come from; `undefined` if there is no route. Nothing is sent.
 */
export async function ownAddressTowards(destination: string): Promise<string | undefined> {
  const socket = createSocket(destination.includes(":") ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  socket.on("error", () => resolve(undefined));
  socket.connect(9, destination, () => resolve(socket.address().address));
  return promise.finally(() => socket.close());
}

/**
 * Whether somebody takes calls there. The file of a socket stays behind when its process ends, and is no
 * power over anything.
 */
export async function isAnswered(path: string | undefined): Promise<boolean> {
  if (path === undefined) return false;
  const socket = connect({ path });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on("connect", () => resolve(true));
  // EAGAIN: so many call that we have to wait.
  socket.on("error", (error) => resolve("code" in error && error.code === "EAGAIN"));
  return promise.finally(() => socket.destroy());
}

export function hasVsock(): boolean {
  try {
    openBareSocket({ domain: AF_VSOCK, type: SOCK_STREAM })[Symbol.dispose]();
    return true;
  } catch (error) {
    if (error instanceof SystemCallError) return false;
    throw error;
  }
}

/** Whether user namespaces can be made: the kernel has some left, and no seccomp profile refuses the call. */
export function hasUserNamespaces(): boolean {
  return readMost("/proc/sys/user/max_user_namespaces") > 0 && mayUnshareUsers();
}

/** Whether the network's settings may be written, as far as file modes and mounts say. */
export function hasOpenSettings(): boolean {
  try {
    accessSync("/proc/sys/net/ipv4/fwmark_reflect", constants.W_OK);
    return true;
  } catch {
    return false; // mounted read-only, or not ours to write
  }
}

function readMost(path: string): number {
  try {
    return Number(readFileSync(path, "ascii"));
  } catch {
    return 0; // a kernel without them, or a container that does not show it
  }
}
