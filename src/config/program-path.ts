/**
 * Where the machine's programs are looked for. Many an environment (cron's, `su`'s) leaves out the folders of
 * nft and ip.
 */

const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin"];
/** What execvp(3) takes where PATH is not set. */
const UNSET = "/bin:/usr/bin";

/** The path, with those of the system's folders at its end that it lacks. */
export function withSystemFolders(path: string | undefined): string {
  const given = path === undefined || path === "" ? UNSET : path;
  const folders = given.split(":");
  return [given, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(":");
}

/**
 * The environment as it was given. From now on programs that this process starts are looked for in the
 * system's folders, too.
 */
export function takeEnvironment(): Readonly<Record<string, string | undefined>> {
  const given = { ...process.env };
  process.env["PATH"] = withSystemFolders(given["PATH"]);
  return given;
}

/** From now on programs that this process starts are looked for in these folders alone. */
export function searchProgramsIn(path: string): void {
  process.env["PATH"] = path;
}
