/** Ends by an error that is thrown in the call of a watch; by itself where that is lost. */
import { watchReadable } from "../../src/sys/readiness.ts";
import { localPort, openSocket, SOCK_DGRAM } from "../../src/sys/socket.ts";
import { createSocket } from "node:dgram";

const fd = openSocket({ type: SOCK_DGRAM, local: { address: "127.0.0.1", port: 0 } });
watchReadable(fd, () => {
  throw new Error("thrown in a call");
});
createSocket("udp4").send("x", localPort(fd), "127.0.0.1");
setTimeout(() => process.exit(0), 3_000);
