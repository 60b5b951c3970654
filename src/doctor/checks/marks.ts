/** Packets under marks that rules of others, or ours, might let pass. */
import { type BareSocket } from "../../sys/bare-socket.ts";
import { SOL_SOCKET, SO_PRIORITY, SO_MARK } from "../../sys/socket-constants.ts";
import { type Check, waysOut } from "../check.ts";
import { judgeSend } from "../evidence.ts";
import { runTrials } from "../io/trials.ts";
import { sending } from "./connections.ts";

/** Marks that service meshes, network plugins and tunnels use for their own traffic, and a few plain ones. */
export const MARKS: readonly number[] = [1, 0x539, 0x200, 0x4000, 0x8_0000, 0xca6c, 0xffff_ffff];

export const MARKED: readonly Check[] = [
  {
    name: "marked packets",
    row: "4",
    needsRaw: true,
    async run(place) {
      const { ways, missing } = waysOut(place);
      const trials = ways.flatMap((way) =>
        MARKS.map((mark) =>
          sending(`mark ${mark}`, way, { prepare: (socket) => setMark(socket, SOL_SOCKET, mark) }),
        ),
      );
      return [...(await runTrials(place.watch, trials, judgeSend)), ...missing];
    },
  },
];

/** The same number as mark and priority. */
export function setMark(socket: BareSocket, level: number, mark: number): void {
  socket.set(level, SO_MARK, mark);
  socket.set(level, SO_PRIORITY, mark);
}
