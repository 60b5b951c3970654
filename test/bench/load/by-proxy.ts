import { connect, type Socket } from "node:net";

/** A connection that a proxy on loopback leads to a port of loopback, by CONNECT. */
export async function connectByProxy(proxyPort: number, port: number): Promise<Socket> {
  const socket = connect(proxyPort, "127.0.0.1");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let head = "";
  const onData = (octets: Buffer): void => {
    head += octets.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    socket.off("data", onData);
    if (/^HTTP\/1\.\d 200 /.test(head)) resolve();
    else reject(new Error(head));
  };
  socket.on("data", onData);
  socket.once("error", reject);
  socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await promise;
  return socket;
}
