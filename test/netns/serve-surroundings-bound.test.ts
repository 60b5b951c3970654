/**
 * A socket that a workload binds to an interface: the kernel then routes even loopback addresses out by that
 * interface.
 */
import { describe, expect, test } from "vitest";
import { OTHER_RESOLVER_V4, OTHER_RESOLVER_V6 } from "../support/lab.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();

/** Sends a datagram and a SYN to each ADDRESS,PORT; 25 is SO_BINDTODEVICE. */
const SEND = `
import socket, sys
for place in sys.argv[1:]:
    address, port = place.split(",")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        one = socket.socket(family, kind)
        one.settimeout(0.2)
        one.setsockopt(socket.SOL_SOCKET, 25, b"eth0")
        try:
            one.connect((address, int(port)))
            one.send(b"out by the link")
        except OSError:
            pass
`;
const PLACES = [
  "127.0.0.1,15353",
  "127.0.0.1,53",
  "127.0.0.1,80",
  `${OTHER_RESOLVER_V4},53`,
  "::1,15353",
  "::1,53",
  "::1,80",
  `${OTHER_RESOLVER_V6},53`,
];

describe.each(["dns+nft", "dns"])("in mode %s", (mode) => {
  test("nothing to a loopback address leaves by eth0", async () => {
    await using _sidecar = await lab.startSidecar({
      policy: { egress: [] },
      env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, OPENSANDBOX_EGRESS_MODE: mode },
    });
    const frames = await lab.canary.during(() => lab.asWorkload(["python3", "-c", SEND, ...PLACES]));
    const left = frames.filter(({ destination }) => destination === "127.0.0.1" || destination === "::1");
    expect(left.map((one) => `${one.transport} ${one.destination} ${one.destinationPort}`)).toEqual([]);
  });
});
