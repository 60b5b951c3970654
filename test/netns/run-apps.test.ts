/** `egress run` with rules that ask what is spoken, and with the ports that an audit has seen. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hex, KEXINIT, SSH_LINE } from "../support/app-octets.ts";
import { APP_PORTS, startAppServers } from "../support/app-servers.ts";
import type { JsonServer } from "../support/json-server.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";

const SPEAK = fileURLToPath(new URL("../support/clients/speak.py", import.meta.url));
const [GOOD, WEB] = ["good.apps.example.org", "web.apps.example.org"];
const ADDRESS = "203.0.113.9";
const PORT = APP_PORTS.anything;
const lab = useLab({
  ipv6: false,
  zone: { [GOOD]: { addresses: ["198.51.100.70"] }, [WEB]: { addresses: ["198.51.100.71"] } },
});
let machine: Machine;
let servers: JsonServer;
let folder: string;
beforeAll(async () => {
  machine = createMachine(lab);
  servers = await startAppServers(lab);
  folder = await mkdtemp(join(tmpdir(), "egress-run-apps-"));
});
afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("a rule with what has to be spoken lets that pass, and tells how to allow the rest", async () => {
  const speak = (...parts: readonly string[]) => `python3 ${SPEAK} ${GOOD} ${PORT} ${parts.join(" ")}`;
  const script = `${speak(SSH_LINE, KEXINIT)}; ${speak(hex("EHLO there\r\n"))}`;
  const args = ["--no-config", "--allow", `${GOOD}:${PORT}/ssh`, "--", "sh", "-c", script];
  const { stdout, stderr } = await machine.run(args);
  expect([stdout, stderr]).toEqual([`${(SSH_LINE + KEXINIT).length / 2}\nrefused\n`, stderr]);
  expect(stderr).toContain("denied");
});

/** What a program does: by a name, by two ports, by an address, by UDP. */
const PROGRAM = `
import socket, sys
def tcp(place, port, what):
    try:
        with socket.create_connection((place, port), timeout=60) as one:
            one.sendall(what)
            one.shutdown(socket.SHUT_WR)
            return len(one.recv(999)) > 0
    except OSError:
        return False
def udp(place, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(5)
        try:
            one.sendto(b"x", (place, port))
            return one.recv(9) == b"x"
        except OSError:
            return False
web = lambda host: b"GET / HTTP/1.0\\r\\nHost: " + host.encode() + b"\\r\\n\\r\\n"
done = [
    tcp("${WEB}", 80, web("${WEB}")),
    tcp("${WEB}", 8080, web("${WEB}:8080")),
    tcp("${ADDRESS}", 80, web("${ADDRESS}")),
    udp("${ADDRESS}", 7),
]
more = [tcp("${ADDRESS}", 8080, web("${ADDRESS}")), tcp("${GOOD}", 80, web("${GOOD}"))] if len(sys.argv) > 1 else []
print(done + more)
`;

test("the ports that an audit has seen, given back as a policy, let the same program pass, and no more of its addresses", async () => {
  const saved = join(folder, "seen.json");
  const audit = ["--no-config", "--audit", "--ports", "--save", saved, "--"];
  const first = await machine.run([...audit, "python3", "-c", PROGRAM]);
  expect([first.stdout, first.stderr]).toEqual(["[True, True, True, True]\n", first.stderr]);
  // A name is allowed whole: audit mode does not report what shows none at its addresses.
  expect(JSON.parse(await readFile(saved, "utf8"))).toEqual({
    allow: [WEB, `${ADDRESS}:80`, `${ADDRESS}:7/udp`],
  });
  const held = ["--config", saved, "--fail-on-deny", "--"];
  expect(await machine.run([...held, "python3", "-c", PROGRAM])).toMatchObject({
    exitCode: 0,
    stdout: "[True, True, True, True]\n",
  });
  const other = await machine.run(["--config", saved, "--", "python3", "-c", PROGRAM, "more"]);
  expect(other.stdout).toBe("[True, True, True, True, False, False]\n");
});
