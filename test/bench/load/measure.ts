/** Runs the measuring client in a subject's namespace. */
import { fileURLToPath } from "node:url";
import { requireCommand } from "../../../src/netns/command.ts";
import { argvIn } from "../../../src/netns/namespace.ts";
import type { Place } from "../subjects/subject.ts";
import { clientReport, type ClientReport, type ClientTask } from "./client-protocol.ts";

const PROGRAM = fileURLToPath(new URL("client.ts", import.meta.url));

export async function runClient(
  { namespace, server, processors }: Place,
  task: Omit<ClientTask, "address" | "port">,
): Promise<ClientReport> {
  const text = await requireCommand(
    argvIn(
      namespace,
      processors.pinned("load", [process.execPath, PROGRAM, JSON.stringify({ ...server, ...task })]),
    ),
    { timeoutMs: (task.seconds + 30) * 1000 },
  );
  return clientReport.parse(JSON.parse(text));
}
