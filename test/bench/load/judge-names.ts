import { createFlowJudge } from "../../../src/wire-names/flow-judge.ts";
import { helloFor, serverHello } from "../../wire-names/make-hello.ts";

const START = 1000;
const SERVER_START = 5000;

/** Names a second that one thread reads and judges, each of a flow of its own, until it is verified. */
export function judgeNames(seconds: number): number {
  const judge = createFlowJudge({ findFault: () => undefined, nowMs: () => performance.now() });
  const [hello, answer] = [helloFor("api.example.org"), serverHello()];
  const endMs = performance.now() + 1000 * seconds;
  let judged = 0;
  const startMs = performance.now();
  for (; performance.now() < endMs; judged++) {
    const flow = String(judged);
    judge.fromClient({
      flow,
      sequence: START,
      acknowledged: SERVER_START,
      data: hello,
      octets: hello.length,
      isSyn: false,
      isUrgent: false,
      hops: 64,
      isOfSocket: true,
      isBegun: false,
      isRepeated: false,
    });
    const acknowledged = START + hello.length;
    const { kind } = judge.fromServer({ flow, sequence: SERVER_START, acknowledged, data: answer });
    if (kind !== "verified") throw new Error(`a flow that should be verified is ${kind}`);
  }
  return (1000 * judged) / (performance.now() - startMs);
}
