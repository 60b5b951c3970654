/** Pages of others and texts of others, in a person's Chromium that reaches the API. */
import { expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
const REBOUND = "rebound.example.org";

test("where no token is set a page whose name has come to lead here reads and changes nothing; by the address the same calls are answered", async () => {
  await using sidecar = await lab.startSidecar({
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, OPENSANDBOX_EGRESS_TOKEN: "" },
  });
  await using browser = await startBrowser(lab.internet, { [REBOUND]: SANDBOX_V4 });
  const { page } = await browser.open();
  const statusOf = (call: string): Promise<unknown> =>
    page.evaluate<unknown>(`${call}.then(({ status }) => status)`);
  const read = 'fetch("/policy")';
  const change = `fetch("/policy", { method: "PUT", body: '{"defaultAction":"allow"}' })`;

  await page.goto(`http://${REBOUND}:18080/`);
  expect([await statusOf(read), await statusOf(change)]).toEqual([401, 401]);
  expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ policy: { defaultAction: "deny" } });

  await page.goto(`http://${SANDBOX_V4}:18080/`);
  expect([await statusOf(read), await statusOf(change)]).toEqual([200, 200]);
});

test("the browser itself refuses what writes markup, what loads from elsewhere, and a frame around it", async () => {
  await using _sidecar = await lab.startSidecar();
  await using browser = await startBrowser(lab.internet);
  const { page, complaints } = await browser.open();
  await page.goto(`http://${SANDBOX_V4}:18080/`);
  const refused = await page.evaluate<unknown>(MISBEHAVE);
  expect(refused).toEqual([expect.stringContaining("TrustedHTML"), expect.stringContaining("TrustedScript")]);
  await expect.poll(() => complaints.join()).toContain("refused by img-src");
  await page.goto(`data:text/html,<iframe src="http://${SANDBOX_V4}:18080/"></iframe>`);
  expect(page.frames().map((frame) => frame.url())).toContain("chrome-error://chromewebdata/");
  await page.context().close();
});

/** Writes markup, loads from elsewhere; gives what its tries came to. */
const MISBEHAVE = `(() => {
  const image = document.createElement("img");
  image.src = "http://198.51.100.1/x.png";
  document.body.append(image);
  const script = document.createElement("script");
  const writes = [() => (document.body.innerHTML = "<p>"), () => (script.textContent = "alert(1)")];
  return writes.map((write) => {
    try {
      return write();
    } catch (error) {
      return String(error);
    }
  });
})()`;
