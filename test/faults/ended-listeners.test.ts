/** Somebody with CAP_NET_ADMIN ends the listening sockets of the API (`ss -K`), or the kernel does. */
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { readApiPorts } from "../escape/attack.ts";

const OUTSIDE = "http://192.0.2.2:18080/healthz";
const INSIDE = "http://127.0.0.1:18080/healthz";

const lab = useLab();

async function isListening(port: number): Promise<boolean> {
  const { stdout } = await execIn(lab.sandbox, ["ss", "-Hltn", `sport = :${port}`]);
  return stdout.trim() !== "";
}

test("listening sockets of the API that were ended are opened anew, and it is told", async () => {
  await using sidecar = await lab.startSidecar();
  const ports = await readApiPorts(lab);
  for (const port of [ports.outside, ports.inside]) {
    expect(await isListening(port)).toBe(true);
    const { stdout } = await execIn(lab.sandbox, ["ss", "-KHltn", `sport = :${port}`]);
    expect(stdout).toContain(`:${port}`);
  }
  for (const curl of [() => lab.curlFromOutside(OUTSIDE), () => lab.curl(INSIDE)]) {
    await until("callers are taken", async () => (await curl()).status === 200);
  }
  const told = () => sidecar.logs().find(({ watch }) => watch === "callers of the API");
  expect(await until("it is told", told)).toMatchObject({ reason: "its listening socket was ended" });
});
