/** The page at `/` of the API, used by a person with Chromium, of a running sidecar. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { focusedLabel, type LabBrowser, startBrowser, tabTo, type Visit } from "../support/browser.ts";
import type { Frame } from "../support/canary.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { useLab } from "../support/use-lab.ts";

const URL_V4 = `http://${SANDBOX_V4}:18080/`;

const lab = useLab();
let browser: LabBrowser;
/** The one of the tests that need no other. */
let shared: Sidecar;
beforeAll(async () => {
  [browser, shared] = await Promise.all([startBrowser(lab.internet), startWith({})]);
});
afterAll(() => browser[Symbol.asyncDispose]());

async function startWith(env: Readonly<Record<string, string>>): Promise<Sidecar> {
  return lab.startSidecar({ env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, ...env } });
}

async function setPolicy(policy: unknown): Promise<void> {
  expect(await shared.api("PUT", "/policy", { body: policy })).toMatchObject({ status: 200 });
}

/** The page, opened by somebody; at the test's end nothing may have been wrong with it. */
async function visit(options: Parameters<LabBrowser["open"]>[0] = {}): Promise<Visit> {
  const opened = await browser.open(options);
  onTestFinished(async () => {
    await opened.page.context().close();
    expect(opened.complaints).toEqual([]);
  });
  await opened.page.goto(URL_V4);
  return opened;
}

/** With the token of the shared sidecar, unless told. */
async function visitWithToken(
  options: Parameters<LabBrowser["open"]>[0] = {},
  token = shared.token,
): Promise<Page> {
  const { page } = await visit(options);
  await page.getByRole("textbox", { name: "Token" }).fill(token);
  await page.getByRole("button", { name: "Use it" }).click();
  await isLive(page);
  return page;
}

async function isLive(page: Page): Promise<void> {
  await expect.poll(() => page.locator("#live").textContent()).toBe("Live");
}

async function shows(locator: Locator, text: string): Promise<void> {
  await locator.filter({ hasText: text }).first().waitFor();
}

describe("with the sidecar that all these share", () => {
  beforeEach(() => setPolicy({}));

  test("a person allows a denied name by the page, and the sandbox gets it", async () => {
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
    const page = await visitWithToken();

    await page.getByRole("button", { name: "Allow one.example.org" }).click();
    const dialog = page.getByRole("dialog");
    await shows(dialog.locator("pre"), "+ allow one.example.org");
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });

    await dialog.getByRole("button", { name: "Apply" }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
    await shows(page.locator("#policy-rows tr"), "one.example.org");
    await shows(page.locator("#decision-rows tr", { hasText: "allowed" }), "one.example.org A");
    await page.getByRole("button", { name: "Allow one.example.org" }).waitFor({ state: "detached" });
  });

  test("the same by the keyboard alone, the token too", async () => {
    await lab.dig("two.example.org", "A");
    await lab.dig("three.example.org", "A");
    const { page } = await visit();
    await page.getByRole("textbox", { name: "Token" }).waitFor();
    await page.keyboard.type(shared.token);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Allow two.example.org" }).waitFor();

    await tabTo(page, "Allow two.example.org");
    await page.keyboard.press("Enter");
    await expect.poll(() => focusedLabel(page)).toBe("Apply");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(await focusedLabel(page)).toBe("Allow two.example.org");
    expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });

    await page.keyboard.press("Enter");
    await expect.poll(() => focusedLabel(page)).toBe("Apply");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Allow two.example.org" }).waitFor({ state: "detached" });
    expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
    await expect.poll(() => focusedLabel(page)).toMatch(/^Allow /);
  });

  test("a wrong token is told, and the right one is kept for the tab alone", async () => {
    const { page } = await visit();
    const token = page.getByRole("textbox", { name: "Token" });
    await token.fill("wrong, and not ASCII: \u00e4\u20ac");
    await page.keyboard.press("Enter");
    await shows(page.locator("#token-problem"), "refuses");
    await token.fill(shared.token);
    await page.keyboard.press("Enter");
    await isLive(page);
    await page.reload();
    await isLive(page);
    expect(await page.evaluate<unknown>("[localStorage.length, document.cookie]")).toEqual([0, ""]);
    await page.getByRole("button", { name: "Forget the token" }).click();
    await token.waitFor();
  });

  test("what the operator denies has no way to be allowed", async () => {
    const file = join(lab.stateFolder, "rules", "deny.always");
    await writeFile(file, "never.example.org\n");
    onTestFinished(() => writeFile(file, ""));
    const page = await visitWithToken();
    await shows(page.locator("#operator-rules div"), "never.example.org");
    await lab.dig("never.example.org", "A");
    const allow = page.getByRole("button", { name: "Allow never.example.org" });
    await allow.waitFor();
    expect(await allow.isDisabled()).toBe(true);
    await shows(page.locator("#denied-list li"), "deny.always: never.example.org");
  });

  test("the policy is edited as JSON: what is wrong is told, the difference shown, and nobody's change is lost", async () => {
    const rules = ["one", "two", "three"].map((name) => ({ action: "allow", target: `${name}.example.org` }));
    await setPolicy({ egress: rules });
    const page = await visitWithToken();
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    const text = page.getByLabel("The policy as JSON", { exact: false });
    await expect.poll(() => text.inputValue()).toContain("three.example.org");
    const show = page.getByRole("button", { name: "Show the difference" });
    const dialog = page.getByRole("dialog");

    await text.fill("{");
    await show.click();
    await shows(page.locator("#editor-problem"), "no JSON");

    await text.fill('{"egress": [{"action": "allow", "target": "10.0.0.0/33"}]}');
    await show.click();
    await shows(dialog.locator("#change-problem"), "egress[0].target");
    await dialog.getByRole("button", { name: "Cancel" }).click();

    await text.fill(JSON.stringify({ defaultAction: "allow", egress: rules.toReversed() }));
    await show.click();
    await shows(dialog.locator("pre"), "+ default allow");
    expect(await dialog.locator("pre span").allTextContents()).toEqual([
      "- allow one.example.org",
      "- allow two.example.org",
      "  allow three.example.org",
      "+ allow two.example.org",
      "+ allow one.example.org",
      "- default deny",
      "+ default allow",
    ]);
    const body = [{ action: "deny", target: "four.example.org" }];
    expect(await shared.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    await dialog.getByRole("button", { name: "Apply" }).click();
    await shows(dialog.locator("#change-problem"), "Somebody else has changed the policy");
    await shows(dialog.locator("pre"), "- deny four.example.org");
    await dialog.getByRole("button", { name: "Apply" }).click();
    await shows(page.locator("#policy-default"), "allow");
    const { policy } = stateShape.parse((await shared.api("GET", "/policy")).json());
    expect(policy).toEqual({ defaultAction: "allow", egress: rules.toReversed() });

    await page.getByRole("button", { name: "Remove two.example.org" }).click();
    await dialog.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("button", { name: "Remove two.example.org" }).waitFor({ state: "detached" });
  });

  test("a person asks why a name is denied, and allows it there; and takes a policy from what was seen", async () => {
    await lab.dig("x.wild.example.org", "A");
    const page = await visitWithToken();
    await page.getByRole("button", { name: "Why x.wild.example.org" }).click();
    const explanation = page.locator("#explanation");
    await shows(explanation, "Not reachable");
    await explanation.getByRole("button", { name: "Allow it" }).click();
    await page.getByRole("button", { name: "Apply" }).click();
    await shows(explanation.locator("li"), "allow x.wild.example.org decides");
    expect(await lab.dig("x.wild.example.org", "A")).toMatchObject({ rcode: "NOERROR" });

    const start = page.getByRole("button", { name: "Switch audit mode on" });
    await start.click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect((await shared.api("GET", "/audit")).json()).toMatchObject({ enabled: false });
    await start.click();
    await page.getByRole("button", { name: "Switch it on" }).click();
    await shows(page.locator("#audit"), "Audit mode is on");
    await start.waitFor({ state: "hidden" });
    expect(await lab.dig("y.wild.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
    await shows(page.locator("#decision-rows tr", { hasText: "audited" }), "y.wild.example.org");
    await page.getByRole("button", { name: "Suggest one" }).click();
    const text = page.getByLabel("The policy as JSON", { exact: false });
    await expect.poll(() => text.inputValue()).toContain('"y.wild.example.org"');
    await page.getByRole("button", { name: "Switch it off" }).click();
    await page.locator("#audit").waitFor({ state: "hidden" });
    expect(await lab.dig("z.wild.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  });

  test("a person has a connection tried, and none is where nobody has asked for it", async () => {
    await setPolicy({ egress: [{ action: "allow", target: "203.0.113.0/24" }] });
    const page = await visitWithToken();
    const form = page.locator("#explain-form");
    const explanation = page.locator("#explanation");
    const tryIt = form.getByRole("button", { name: "Try a connection" });
    await form.getByLabel("Name or address").fill("203.0.113.80");

    await tryIt.click();
    await shows(explanation, "try: needs a port, and tcp");

    const asked = await lab.canary.during(async () => {
      await form.getByLabel("Port").fill("80");
      await page.keyboard.press("Enter");
      await shows(explanation, "far end: unknown (0 flows answered, 0 not)");
    });
    expect(asked.filter(isSyn)).toEqual([]);

    await tryIt.click();
    await shows(explanation, "far end: answers, tried just now");
    await shows(explanation, "Reachable");
    await form.getByLabel("Port").fill("9");
    await tryIt.click();
    await shows(explanation, "far end: refuses, tried just now");
    await shows(explanation, "Not reachable");
    const frames = (await lab.canary.frames()).filter(isSyn);
    expect(frames.map(({ destinationPort }) => destinationPort)).toEqual([80, 9]);
  });

  test("names are text, even of a sidecar that would send markup", async () => {
    const [image, script] = ["<img src=x onerror=alert(1)>", "<script>alert(2)</script>"];
    await lab.dig("<b/onclick=alert(3)>.example.org", "A");
    await lab.dig("hostile.example.org", "A");
    await lab.curl("http://203.0.113.66/");
    await setPolicy({ egress: [{ action: "allow", target: "hostile.example.com" }] });
    const { page } = await visit();
    // In each answer, those of the stream too.
    await page.route(/\/(?:policy|status|decisions)/, async (route) => {
      const request = route.request();
      const { pathname, search } = new URL(request.url());
      const { status, text } = await shared.api(request.method(), pathname + search, {
        body: request.postData() ?? undefined,
      });
      const body = text.replaceAll("hostile", image).replaceAll("203.0.113.66", script);
      await route.fulfill({ status, body });
    });
    await page.getByRole("textbox", { name: "Token" }).fill(shared.token);
    await page.keyboard.press("Enter");
    await isLive(page);
    for (const name of [image, script]) {
      await shows(page.locator("#denied-list .name"), name);
      await shows(page.locator("#decision-rows .name"), name);
    }
    await shows(page.locator("#policy-rows .name"), image);
    await shows(page.locator("#denied-list .name"), "onclick");
    await page.getByRole("button", { name: `Allow ${image}.example.org` }).click();
    await shows(page.locator("#change-title"), image);
    await shows(page.locator("#change-problem"), image);
    expect(await page.locator("body :is(img, b[onclick], main script)").count()).toBe(0);
  });

  test.each([
    { name: "page", colorScheme: "light", viewport: { width: 1120, height: 760 } },
    { name: "page-dark", colorScheme: "dark", viewport: { width: 1024, height: 640 } },
    { name: "page-phone", colorScheme: "light", viewport: { width: 390, height: 844 } },
  ] as const)("it fits: $name", async ({ name, colorScheme, viewport }) => {
    const allowed = ["one.example.org", "*.wild.example.org", "203.0.113.0/24"];
    await setPolicy({ egress: allowed.map((target) => ({ action: "allow", target })) });
    const page = await visitWithToken({ colorScheme, viewport, reducedMotion: "reduce" });
    for (const target of ["one", "a.wild", "two", "b.wild", "two", "three"]) {
      await lab.dig(`${target}.example.org`, target === "three" ? "AAAA" : "A");
    }
    await lab.curl("http://198.51.100.9/");
    await shows(page.locator("#decision-rows tr"), "198.51.100.9:80");
    await shows(page.locator("#learned-rows tr"), "a.wild.example.org");
    await shows(page.locator("#upstream-list li"), "answers");
    await shows(page.locator("#protection-list div"), "connections");
    const width = await page.evaluate<unknown>("document.documentElement.scrollWidth");
    expect(width).toBeLessThanOrEqual(viewport.width);
    const picture = await page.screenshot({ animations: "disabled" });
    const folder = process.env["PAGE_PICTURES"];
    if (folder !== undefined) await writeFile(join(folder, `${name}.png`), picture);
  });
});

describe("with a sidecar of its own", () => {
  beforeEach(() => shared.kill());

  test("where no token is set none is asked for, and connections that were denied are listed and allowed", async () => {
    await using _sidecar = await startWith({ OPENSANDBOX_EGRESS_TOKEN: "" });
    const { page } = await visit();
    await isLive(page);
    expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ exitCode: 7 });
    await shows(page.locator("#decision-rows tr", { hasText: "203.0.113.1:80 tcp" }), "denied");
    await page.getByRole("button", { name: "Allow 203.0.113.1" }).click();
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  });

  test("where changes have to be signed it shows everything, says so, and goes on when the sidecar is back", async () => {
    const env = { OPENSANDBOX_EGRESS_SIGNED_WRITES: "true", OPENSANDBOX_EGRESS_TOKEN: "test" };
    const first = await startWith(env);
    await lab.dig("one.example.org", "A");
    const page = await visitWithToken({}, "test");
    await page.getByRole("button", { name: "Allow one.example.org" }).click();
    await shows(page.locator("#change-problem"), "has to be signed");
    await page.getByRole("button", { name: "Cancel" }).click();

    await first.kill();
    await shows(page.locator("#live"), "No connection");
    await using _second = await startWith(env);
    await shows(page.locator("#decision-rows"), "started again");
    await isLive(page);
    await lab.dig("two.example.org", "A");
    await page.getByRole("button", { name: "Allow two.example.org" }).waitFor();
    await expect.poll(() => page.locator("#problem").isHidden()).toBe(true);
  });
});

const stateShape = z.looseObject({ policy: z.looseObject({}) });

/** The first packet of a connection that the page has tried. */
function isSyn({ destination, tcpFlags }: Frame): boolean {
  return destination === "203.0.113.80" && tcpFlags === 2;
}
