/**
 * Runs in the internet's namespace, at every address: takes whatever comes on the port of its argument, and
 * says of each connection what it has received once that has ended.
 */
import { createServer } from "node:net";

const say = (line: object): void => console.log(JSON.stringify(line));
const server = createServer({ allowHalfOpen: true }, (socket) => {
  let text = "";
  socket.on("data", (octets: Buffer) => {
    text += octets.toString("latin1");
    say({ event: "received", text });
  });
  socket.on("end", () => socket.end(`received ${text.length}`));
  socket.on("error", () => undefined);
});
server.listen(Number(process.argv[2]), "::", () => say({ event: "ready" }));
