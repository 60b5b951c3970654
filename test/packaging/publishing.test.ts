/** Nothing is published that points its readers to an example's address. */
import { join } from "node:path";
import { expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { publishingProblem } from "../../packaging/publishing-problem.ts";
import { runCommand } from "../../src/netns/command.ts";

const MAY_PUBLISH = join(import.meta.dirname, "../../packaging/may-publish.ts");

test.each<[url: string, isRefused: boolean]>([
  ["git+https://git.example.org/egress-sidecar.git", true],
  ["git+https://example.com/egress-sidecar.git", true],
  ["git+ssh://git@example.net:22/egress-sidecar.git", true],
  ["git+https://code.invalid/egress-sidecar.git", true],
  ["git+https://notexample.organisation.dev/example.git", false],
  ["git+https://code.somewhere.dev/example.organ/egress-sidecar.git", false],
])("a package with the repository %s is refused: %s", (url, isRefused) => {
  expect(publishingProblem({ repository: { url } })?.includes(url) ?? false).toBe(isRefused);
});

test("npm publish asks first, and is told as long as the manifest holds the placeholder", async () => {
  expect(manifest.scripts.prepublishOnly).toBe("node packaging/may-publish.ts");
  const problem = publishingProblem(manifest);
  expect(await runCommand([process.execPath, MAY_PUBLISH])).toMatchObject({
    exitCode: problem === undefined ? 0 : 1,
    stderr: problem === undefined ? "" : `${problem}\n`,
  });
});
