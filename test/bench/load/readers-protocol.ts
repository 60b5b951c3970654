/**
 * What the readers of `/events` (`event-readers.ts`) are told, and what they say. Both cross a process border
 * as JSON.
 */
import { z } from "zod";

export const readersTask = z.object({ socketPath: z.string(), token: z.string(), readers: z.number() });
export const readersReport = z.object({
  readers: z.array(z.object({ decisions: z.number(), missed: z.number() })),
});
export type ReadersReport = z.infer<typeof readersReport>;

/** What is printed once all read. */
export const READING = "reading\n";
