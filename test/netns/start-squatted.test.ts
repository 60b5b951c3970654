/** A workload that holds the resolver's port before the sidecar starts. */
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const SQUATTER = `
import selectors, socket, sys
poll = selectors.DefaultSelector()
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        s = socket.socket(family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((address, 15353))
        if kind == socket.SOCK_STREAM: s.listen()
        poll.register(s, selectors.EVENT_READ)
print("holds", flush=True)
while True:
    for key, _ in poll.select():
        s = key.fileobj
        if s.type == socket.SOCK_STREAM: s.accept()
        else: s.recvfrom(4096)
        print("heard", flush=True)
`;

const lab = useLab();

test("the resolver answers elsewhere, and the squatter hears no lookup", async () => {
  const squatter = lab.startAsWorkload(["python3", "-c", SQUATTER]);
  const heard: string[] = [];
  createInterface({ input: squatter.stdout }).on("line", (line) => heard.push(line));
  try {
    await until("the squatter holds the port", () => heard.includes("holds"));
    await using sidecar = await lab.startSidecar({
      policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    });
    for (const transport of ["+notcp", "+tcp"]) {
      for (const server of ["@203.0.113.53", "@2001:db8:1ff::53"]) {
        expect(await lab.dig(server, transport, "one.example.org", "A")).toMatchObject({
          addresses: ["198.51.100.1"],
        });
        expect(await lab.dig(server, transport, "two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
      }
    }
    expect(heard).toEqual(["holds"]);
    expect(sidecar.output()).toContain("port 15353 is taken by another process");
  } finally {
    squatter.kill("SIGKILL");
    await squatter.end;
  }
});
