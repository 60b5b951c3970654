/** What the command finds that is not its files: its resolver and its environment. */
import { existsSync, readFileSync } from "node:fs";
import { RESOLV_CONF } from "../../../config/resolv-conf.ts";
import type { CliContext } from "../../context.ts";

/**
 * The command's resolver is the sidecar; search domains and options of the machine's resolv.conf hold for it
 * too.
 */
export function renderResolvConf(): string {
  const text = existsSync(RESOLV_CONF) ? readFileSync(RESOLV_CONF, "utf8") : "";
  const kept = text.split("\n").filter((line) => /^(?:search|domain|options)\s/.test(line));
  return ["nameserver 127.0.0.1", ...kept, ""].join("\n");
}

/** The caller's, without what is the sidecar's: settings may hold secrets. */
export function commandEnvironment(env: CliContext["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("OPENSANDBOX_EGRESS_")));
}
