/** What a command gets from the process that runs it. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command line that starts this same program again, without arguments of its own. */
  readonly program: readonly [string, ...string[]];
  /** For what was asked for; one call, whole lines. */
  readonly print: (text: string) => void;
  /** Whether a person reads what is printed; default: no. */
  readonly isTerminal?: boolean;
  /** Whether what is printed can still be written; default: it can. */
  readonly canPrint?: () => boolean;
  /** For everything else that a person should know. */
  readonly warn: (text: string) => void;
}
