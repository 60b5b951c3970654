/** The lab itself, without a sidecar: what stands in for the internet answers, and the canary sees what passes. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommand } from "../../src/netns/command.ts";
import { createLab } from "../support/lab.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ zone: { "alias.example.org": { cname: "one.example.org" } } });

test("the upstream answers names of the zone and nothing else", async () => {
  const one = await lab.dig("one.example.org", "A");
  expect(one).toMatchObject({ rcode: "NOERROR", addresses: ["198.51.100.1"] });
  expect(await lab.dig("alias.example.org", "A")).toMatchObject({
    rcode: "NOERROR",
    addresses: ["198.51.100.1"],
  });
  expect(await lab.dig("deep.below.wild.example.org", "A")).toMatchObject({ addresses: ["198.51.100.20"] });
  expect(await lab.dig("+tcp", "@203.0.113.53", "nowhere.example.org", "A")).toMatchObject({
    rcode: "NXDOMAIN",
  });
  expect(lab.upstream.questions()).toContainEqual({
    qname: "one.example.org",
    qtype: "A",
    from: "192.0.2.2",
  });
});

test("every address of the internet serves", async () => {
  expect(await lab.curl("-4", "http://one.example.org/")).toMatchObject({
    status: 200,
    body: "hello from 198.51.100.1\n",
  });
  expect(await lab.curl("http://203.0.113.77:8080/")).toMatchObject({ body: "hello from 203.0.113.77\n" });
  expect(lab.web.events()).toContainEqual(
    expect.objectContaining({
      event: "request",
      local: "198.51.100.1",
      peer: "192.0.2.2",
      host: "one.example.org",
    }),
  );
});

test("every IPv6 address of the internet serves", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  expect(await lab.curl("-6", "http://two.example.org/")).toMatchObject({
    body: "hello from 2001:db8:100::2\n",
  });
  expect(await lab.dig("@2001:db8::1", "two.example.org", "AAAA")).toMatchObject({
    addresses: ["2001:db8:100::2"],
  });
});

test("a datagram comes back from the address that it was sent to", async () => {
  const script = `
import socket
for family, address in ((socket.AF_INET, "198.51.100.9"), ${lab.ipv6 ? '(socket.AF_INET6, "2001:db8:100::9")' : ""}):
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(2)
    client.connect((address, 7))
    client.send(b"ping")
    print(client.recv(99).decode())
`;
  const { stdout, stderr } = await lab.asWorkload(["python3", "-c", script]);
  expect(stdout + stderr).toBe(lab.ipv6 ? "ping\nping\n" : "ping\n");
});

test("the canary sees each frame that leaves the sandbox", async () => {
  const frames = await lab.canary.during(() => lab.curl("--max-time", "1", "http://203.0.113.5:81/"));
  expect(frames).toContainEqual(
    expect.objectContaining({
      transport: "tcp",
      destination: "203.0.113.5",
      destinationPort: 81,
      tcpFlags: 2,
    }),
  );
});

test("the workload has Docker's capabilities and not NET_ADMIN", async () => {
  const { stdout } = await lab.asWorkload(["grep", "CapBnd", "/proc/self/status"]);
  expect(stdout.trim()).toBe("CapBnd:\t00000000a80425fb");
  expect(await lab.asWorkload(["ip", "link", "set", "eth0", "down"])).toMatchObject({ exitCode: 2 });
});

test("a lab leaves nothing behind", async () => {
  const other = await createLab();
  const { name } = other.sandbox;
  await other[Symbol.asyncDispose]();
  expect((await runCommand(["ip", "netns", "list"])).stdout).not.toContain(name);
  expect(existsSync(`/etc/netns/${name}`)).toBe(false);
  expect(existsSync(other.stateFolder)).toBe(false);
});
