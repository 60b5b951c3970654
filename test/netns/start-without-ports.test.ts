/** A workload that holds the TCP ports which the kernel gives, while the sidecar is away. */
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { writeSysctl } from "../../src/netns/namespace.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

/** Takes each port of a range; every tenth listens. */
const HOLDER = `
import signal, socket, sys
held = []
for port in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
    s = socket.socket()
    try: s.bind(("0.0.0.0", port))
    except OSError: continue
    if port % 10 == 0: s.listen()
    held.append(s)
print("holds", flush=True)
signal.pause()
`;
const API = "http://192.0.2.2:18080/healthz";
const POLICY = { egress: [{ action: "allow", target: "one.example.org" }] };

const lab = useLab({ per: "test" });

async function setPorts(range: string, reserved: string): Promise<void> {
  await writeSysctl(lab.sandbox, "net.ipv4.ip_local_port_range", range);
  await writeSysctl(lab.sandbox, "net.ipv4.ip_local_reserved_ports", reserved);
}

async function holdPorts(first: number, last: number): Promise<AsyncDisposable> {
  const holder = lab.startAsWorkload(["python3", "-c", HOLDER, String(first), String(last)]);
  const lines: string[] = [];
  createInterface({ input: holder.stdout }).on("line", (line) => lines.push(line));
  await until("the ports are held", () => lines.includes("holds"));
  return {
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await holder.end;
    },
  };
}

test("a start without any port left answers over the unix socket and looks names up, and takes callers over TCP once a port is free", async () => {
  // All ports are the kernel's to give, and of these only 512 are not reserved.
  await setPorts("1024 65535", "1536-65535");
  const before = await lab.startSidecar({ policy: POLICY });
  await before.kill("SIGKILL");
  const ports = await holdPorts(1024, 1535);
  await using sidecar = await lab.startSidecar({ policy: POLICY });
  const waits = () =>
    sidecar.logs().filter(({ msg }) => msg === "the API takes nobody over TCP yet: it is tried again");
  expect(await lab.dig("one.example.org")).toMatchObject({ addresses: ["198.51.100.1"] });
  expect(await lab.curlFromOutside("--max-time", "1", API)).toMatchObject({ status: 0 });
  expect((await sidecar.api("PATCH", "/policy", { body: POLICY.egress })).status).toBe(200);
  const reason = "the API cannot listen on :18080: other processes have taken every port";
  expect((await sidecar.api("GET", "/status")).json()).toMatchObject({
    health: { ok: true },
    api: { tcp: false, reason },
  });
  await ports[Symbol.asyncDispose]();
  await until(
    "callers are taken over TCP",
    async () => (await lab.curlFromOutside("--max-time", "1", API)).status === 200,
  );
  expect((await sidecar.api("GET", "/status")).json()).toMatchObject({ api: { tcp: true } });
  expect(waits()).toMatchObject([{ reason }]);
});

test("a start with all ports of ip_local_port_range taken takes callers over TCP", async () => {
  await setPorts("40000 40127", "");
  await using _ports = await holdPorts(40000, 40127);
  await using sidecar = await lab.startSidecar({ policy: POLICY });
  expect(await lab.curlFromOutside(API)).toMatchObject({ status: 200 });
  expect(sidecar.logs().filter(({ level }) => level === "warn")).toEqual(
    expect.not.arrayContaining([expect.objectContaining({ msg: expect.stringContaining("over TCP") })]),
  );
});
