/** Of a process, as it is given. */
export type Environment = Readonly<Record<string, string | undefined>>;
