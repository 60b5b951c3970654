import { expect, test } from "vitest";
import { explainRefusal } from "../../../../src/cli/run/rootless/obstacles.ts";

const SAID = "unshare: unshare failed: Operation not permitted\n";
const SHOWN = "this machine gives you no user namespace (unshare: unshare failed: Operation not permitted)";

test.each([
  ["/proc/sys/user/max_user_namespaces", "0", "; root may allow them: sysctl user.max_user_namespaces=10000"],
  [
    "/proc/sys/kernel/unprivileged_userns_clone",
    "0",
    "; root may allow them: sysctl kernel.unprivileged_userns_clone=1",
  ],
  [
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "1",
    "; root may allow them: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows unshare(1) userns",
  ],
  ["/proc/sys/user/max_user_namespaces", "96365", ""],
])("a refused user namespace is explained by %s = %s", (setting, value, remedy) => {
  const read = (path: string): string | undefined => (path === setting ? value : undefined);
  expect(explainRefusal(SAID, read)).toBe(SHOWN + remedy);
});
