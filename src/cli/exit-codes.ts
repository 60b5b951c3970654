/** What the program's exit says, as in sysexits(3). A command that `egress run` ran gives its own. */
export const EXIT = {
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** The machine lacks something that is needed. */
  unavailable: 69,
  /** A part of the program ended that should not have. */
  software: 70,
  /** A setting or a policy can't be read, or this is no place to run. */
  config: 78,
} as const;
