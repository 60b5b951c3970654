import { NetlinkError } from "../../netlink/errors.ts";

const KNOWS_NO_OWNERS: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP"]);

/**
 * Makes a table that goes with its socket. If the kernel knows no owners (before Linux 5.12), the table stays
 * when the socket closes, and the call gives false.
 */
export function putOwned(put: (ownership: "owned" | "left") => void): boolean {
  try {
    put("owned");
    return true;
  } catch (error) {
    if (!(error instanceof NetlinkError) || !KNOWS_NO_OWNERS.has(error.code)) throw error;
  }
  put("left");
  return false;
}
