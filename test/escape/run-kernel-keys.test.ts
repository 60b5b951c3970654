/**
 * A key of the type `dns_resolver` has the kernel look a name up by a helper of the machine's, in the
 * machine's network: the command of `egress run`, whoever it is, has no keys.
 */
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";

const [UID, GID] = [48_231, 48_232];

/** Asks for a name, puts a key down, and asks for the session's keyring. */
const ASK = `
import ctypes, errno, os
first = 248 if os.uname().machine == "x86_64" else 217
libc = ctypes.CDLL(None, use_errno=True)
at = ctypes.c_char_p
def ask(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *arguments)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "there"
print(ask(first, at(b"user"), at(b"egress-test"), at(b"x"), 1, -1))
print(ask(first + 1, at(b"dns_resolver"), at(b"one.example.org"), at(b""), 0))
print(ask(first + 2, 0, -1, 1))
`;

const lab = useLab();
const machine = useMachine(lab);
let place: string;
beforeAll(async () => {
  place = await makePlaceOf(UID, GID);
});
afterAll(() => rm(place, { recursive: true, force: true }));

test.each([
  ["root", []],
  ["nobody", ["--user", "nobody"]],
])("as %s the command has none", async (_who, options) => {
  const { stdout } = await machine.run(["--quiet", ...options, "--", "python3", "-c", ASK]);
  expect(stdout).toBe("ENOSYS\nENOSYS\nENOSYS\n");
});

test("without root the command has none", async () => {
  const env = { TMPDIR: place, XDG_RUNTIME_DIR: undefined, HOME: place };
  const { stdout } = await machine.run(["--quiet", "--", "python3", "-c", ASK], {
    under: asUser(UID, GID),
    env,
  });
  expect(stdout).toBe("ENOSYS\nENOSYS\nENOSYS\n");
});

test("what does not run in a run has them, as this kernel does", async () => {
  expect((await execIn(lab.sandbox, ["python3", "-c", ASK])).stdout).toMatch(
    /^there\n(?!ENOSYS).*\nthere\n$/,
  );
});
