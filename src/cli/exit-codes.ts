/** What the program's exit says, as in sysexits(3). A command that `egress run` ran gives its own. */
export const EXIT = {
  ok: 0,
  /** `egress doctor`: an attack got out. */
  open: 1,
  /** `egress log`: there is no such decision. */
  none: 1,
  /** `egress explain`: the target is not reached. */
  no: 1,
  /** The command line is wrong. */
  usage: 64,
  /** What was sent to the sidecar is not what it takes. */
  data: 65,
  /** The machine lacks something that is needed, or the sidecar does not answer. */
  unavailable: 69,
  /** A part of the program ended that should not have. */
  software: 70,
  /** Standard output cannot be written, such as to a full disk. */
  output: 74,
  /** The policy has changed meanwhile: read it and try again. */
  again: 75,
  /**
   * The sidecar takes no such call from here, or the token is wrong. `egress run --fail-on-deny`: the command
   * did well, but something was denied.
   */
  denied: 77,
  /** A setting or a policy can't be read, or this is no place to run. */
  config: 78,
  /** `egress run`: it could not run the command, or not to its end. As of docker-run(1) and env(1). */
  run: 125,
  /** Who read standard output has gone: as a shell tells of SIGPIPE. */
  unread: 141,
} as const;
