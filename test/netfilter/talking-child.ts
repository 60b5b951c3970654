/**
 * Runs as the workload: keeps one TLS connection, and says of each octet that came back. Arguments: address,
 * name.
 */
import { connect } from "node:tls";

const say = (line: object): void => console.log(JSON.stringify(line));
const [host = "", servername = ""] = process.argv.slice(2);
const socket = connect({ host, port: 443, servername, rejectUnauthorized: false });
socket.on("error", ({ message }) => say({ event: "ended", message }));
socket.on("secureConnect", () => socket.write("x"));
let isReady = false;
socket.on("data", () => {
  say({ event: isReady ? "answered" : "ready" });
  isReady = true;
  setTimeout(() => socket.write("x"), 50);
});
