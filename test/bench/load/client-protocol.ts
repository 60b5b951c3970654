/** What the measuring client (`client.ts`) is told, and what it says. Both cross a process border as JSON. */
import { z } from "zod";

export interface ClientTask {
  readonly address: string;
  readonly port: number;
  readonly zone: string;
  /** What every answer must be: the name's own address, or NXDOMAIN. */
  readonly expect: "address" | "nxdomain";
  /** Names `first` to `first + names - 1`, from the beginning again once used up. */
  readonly first: number;
  readonly names: number;
  readonly seconds: number;
  /** A closed loop keeps that many under way; an open one sends so many a second and waits for none. */
  readonly pace: { readonly inFlight: number } | { readonly perSecond: number };
}

export const clientReport = z.object({
  sent: z.number(),
  answered: z.number(),
  lost: z.number(),
  /** Answers with another rcode or address than expected. */
  wrong: z.number(),
  perSecond: z.number(),
  p50Us: z.number(),
  p99Us: z.number(),
  maxUs: z.number(),
  /** The longest that the client itself came late with a query of its open loop. */
  lateUs: z.number(),
});
export type ClientReport = z.infer<typeof clientReport>;
