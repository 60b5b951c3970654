// Passes connections on, from a unix socket to a TCP address of this network namespace, each half closed as
// the other side closes it. Arguments: the socket's path, host, port. A unix socket is in the file system, so
// it is there for callers of every namespace.
import { connect, createServer } from "node:net";

const [path, host, port] = process.argv.slice(2);
const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ host, port: Number(port), allowHalfOpen: true });
  near.pipe(far);
  far.pipe(near);
  const end = () => {
    near.destroy();
    far.destroy();
  };
  near.on("error", end);
  far.on("error", end);
});
server.listen(path, () => console.log(JSON.stringify({ event: "ready" })));
