/**
 * A program of the machine that could not do its part. `tool-missing`: it is not installed, `hint` names the
 * Debian package.
 */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly code: "tool-missing" | "tool-failed";
  readonly command: readonly string[];

  constructor(code: ToolError["code"], command: readonly string[], detail: string, cause?: unknown) {
    super(`${command.join(" ")}: ${detail}`, { cause });
    this.code = code;
    this.command = command;
  }
}

const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nft: "nftables",
  unshare: "util-linux",
  setpriv: "util-linux",
  mount: "mount",
  sh: "dash",
  env: "coreutils",
  pasta: "passt",
};

/** What to say about a program that is not on the path. */
export function missingToolHint(tool: string): string {
  const debianPackage = DEBIAN_PACKAGES[tool];
  const remedy = debianPackage === undefined ? "" : `; on Debian: apt-get install ${debianPackage}`;
  return `${tool} is not installed${remedy}`;
}
