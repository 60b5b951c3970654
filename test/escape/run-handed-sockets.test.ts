/**
 * A socket stays in the network namespace that it was made in: one of the machine's among the standard
 * streams of `egress run` does not lead the command past its policy, whoever it is.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createMachine, type Machine, UNTOUCHED } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";

const [UID, GID] = [48_221, 48_222];
const HAND_ON = readFileSync(fileURLToPath(new URL("handed/hand_on.py", import.meta.url)), "utf8");
const TAKE = readFileSync(fileURLToPath(new URL("handed/take.py", import.meta.url)), "utf8");

const lab = useLab();
let machine: Machine;
let place: string;
beforeAll(async () => {
  machine = createMachine(lab);
  place = await makePlaceOf(UID, GID);
});
afterAll(() => rm(place, { recursive: true, force: true }));
afterEach(async () => {
  assert.deepEqual(await machine.state(), UNTOUCHED);
});

describe.each(["root", "nobody", "a caller without root"])("as %s", (who) => {
  const hasRoot = who !== "a caller without root";
  const options = who === "nobody" ? ["--user", "nobody"] : [];
  /** `streams` of the run are a descriptor that the machine has opened. */
  const run = (kind: string, streams: string, ...command: readonly string[]) => {
    const under = [...(hasRoot ? [] : asUser(UID, GID)), "/usr/bin/python3", "-c", HAND_ON, kind, streams];
    const env = hasRoot ? {} : { TMPDIR: place, XDG_RUNTIME_DIR: undefined, HOME: place };
    return machine.run(["--quiet", ...options, "--allow", "one.example.org", "--", ...command], {
      under,
      env,
    });
  };

  test.each(["0", "1", "2", "012"])(
    "a TCP connection as stream %s leads to its peer alone",
    async (streams) => {
      const result = await run("tcp", streams, "python3", "-c", TAKE, streams);
      expect(result).toMatchObject({ exitCode: 0 });
      expect(readFound(result)).toEqual(expectedOf(streams));
    },
  );

  test.each(["0", "012"])("a unix stream as stream %s brings no descriptor", async (streams) => {
    const result = await run("unix", streams, "python3", "-c", TAKE, streams);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(readFound(result)).toEqual(expectedOf(streams));
  });

  test("a TCP connection as all streams carries a conversation, its half-close and its end", async () => {
    const script = 'while read line; do echo "got $line"; done; echo "at the end" >&2; exit 3';
    const result = await run("echo", "012", "sh", "-c", script);
    expect(result).toMatchObject({ exitCode: 3, stdout: "got one\ngot two\nat the end\n" });
  });

  test("all that the command has written arrives, though it leaves its input unread", async () => {
    const result = await run("much", "012", "head", "-c", "5000000", "/dev/zero");
    expect(result).toMatchObject({ exitCode: 0, stdout: "5000000\n" });
  });

  test("a command whose peer has gone is told so", async () => {
    const result = await run("gone", "012", "sh", "-c", "trap '' PIPE; while echo more; do :; done; exit 4");
    expect(result).toMatchObject({ exitCode: 4 });
  });

  const UNROOTED = [
    "udp",
    "udp-connected",
    "unix-datagram",
    "unix-packets",
    "unix-unconnected",
    "unix-listening",
  ];
  const kinds = [
    ...UNROOTED,
    "tcp-unconnected",
    "tcp-listening",
    "netlink",
    ...(hasRoot ? ["packets", "raw"] : []),
  ];
  test.each(kinds)("a socket of the kind %s is refused", async (kind) => {
    const result = await run(kind, "0", "echo", "ran");
    expect(result).toMatchObject({
      exitCode: 125,
      stdout: "",
      stderr:
        "egress run: standard input: is a socket that reaches more than one peer, past the policy; only connected TCP and unix stream sockets can be relayed\n",
    });
  });

  test.each(["1", "2"])("a UDP socket as stream %s is refused", async (streams) => {
    expect(await run("udp", streams, "echo", "ran")).toMatchObject({ exitCode: 125, stdout: "" });
  });

  test.each(["process", "namespace", "epoll", "setting", "tun"])("a %s is refused", async (kind) => {
    const result = await run(kind, "0", "echo", "ran");
    expect(result).toMatchObject({ exitCode: 125, stdout: "" });
    expect(result.stderr).toContain("standard input: is a device or a file of the kernel's own");
  });

  test("the path of a socket is refused", async () => {
    const result = await run("socket-path", "0", "echo", "ran");
    expect(result).toMatchObject({ exitCode: 125, stdout: "" });
    expect(result.stderr).toContain("standard input: is a path (O_PATH)");
  });

  test("memory is handed on as it is", async () => {
    expect(await run("memory", "0", "cat")).toMatchObject({ exitCode: 0, stdout: "of a memfd\n" });
  });
});

/** What the command found on each of its streams that is a socket; it says so on one that is none, if any. */
function readFound({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): unknown {
  return JSON.parse(`${stdout}${stderr}`);
}

function expectedOf(streams: string): unknown {
  const held = { family: "AF_UNIX", reached: "EISCONN" };
  const input = { ...held, data: "take\n", descriptors: 0 };
  return Object.fromEntries(streams.split("").map((fd) => [fd, fd === "0" ? input : held]));
}
