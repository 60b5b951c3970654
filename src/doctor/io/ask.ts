/** Asks a resolver one question. */
import { createConnection } from "node:net";
import { type BareSocket, internetAddress, openBareSocket } from "../../sys/bare-socket.ts";
import { watchReadable } from "../../sys/readiness.ts";
import { addressFamily, type Endpoint } from "../../sys/socket-address.ts";
import { SOCK_DGRAM } from "../../sys/socket.ts";
import { type Ending, endingOf } from "../evidence.ts";
import { isDenial, withLength } from "../lookup-message.ts";

const WAIT_MS = 500;
const SILENT: Ending = { kind: "silent" };

/** Over UDP; `prepare` is called before anything is sent. Throws SystemCallError. */
export async function askUdp(
  endpoint: Endpoint,
  message: Buffer,
  prepare?: (socket: BareSocket) => void,
): Promise<Ending> {
  using socket = openBareSocket({ domain: addressFamily(endpoint.address), type: SOCK_DGRAM });
  prepare?.(socket);
  socket.connect(internetAddress(endpoint));
  socket.send(message);
  const { promise, resolve } = Promise.withResolvers<Ending | undefined>();
  const timer = setTimeout(() => resolve(SILENT), WAIT_MS);
  const watch = watchReadable(socket.fd, () => resolve(undefined));
  const inTime = await promise;
  clearTimeout(timer);
  watch.close();
  const answer = socket.receive();
  return answer === undefined ? (inTime ?? SILENT) : judgeAnswer(answer.octets);
}

/** Over TCP. */
export async function askTcp({ address, port }: Endpoint, message: Buffer): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const timer = setTimeout(() => resolve(SILENT), WAIT_MS);
  const socket = createConnection({ host: address, port });
  const received: Buffer[] = [];
  socket.on("error", (error) => resolve(endingOfError(error)));
  socket.on("connect", () => socket.write(withLength(message)));
  socket.on("data", (octets: Buffer) => {
    received.push(octets);
    const whole = Buffer.concat(received);
    const isWhole = whole.length >= 2 && whole.length >= 2 + whole.readUInt16BE(0);
    if (isWhole) resolve(judgeAnswer(whole.subarray(2)));
  });
  socket.on("close", () => resolve(SILENT));
  const ending = await promise;
  clearTimeout(timer);
  socket.destroy();
  return ending;
}

function judgeAnswer(answer: Buffer): Ending {
  return { kind: "answered", by: isDenial(answer) ? "the sidecar" : "another resolver" };
}

function endingOfError(error: NodeJS.ErrnoException): Ending {
  return endingOf(error.syscall ?? "", error.code ?? error.message);
}
