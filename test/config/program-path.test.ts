import { expect, it } from "vitest";
import { withSystemFolders } from "../../src/config/program-path.ts";

it.each([
  ["/usr/bin:/bin", "/usr/bin:/bin:/usr/sbin:/sbin"],
  ["/usr/local/bin:/usr/sbin:/bin", "/usr/local/bin:/usr/sbin:/bin:/sbin"],
  ["/sbin:/usr/sbin", "/sbin:/usr/sbin"],
  ["", "/bin:/usr/bin:/usr/sbin:/sbin"],
  [undefined, "/bin:/usr/bin:/usr/sbin:/sbin"],
])("programs of PATH=%s are looked for in %s", (path, expected) => {
  expect(withSystemFolders(path)).toBe(expected);
});
