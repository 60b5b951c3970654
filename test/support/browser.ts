/**
 * Debian's Chromium, headless, as a person's browser in one of the lab's namespaces: it reaches what that
 * namespace reaches.
 */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type BrowserContextOptions, type Page } from "playwright-core";
import { argvIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import { WAIT_MS } from "./limits.ts";

export interface LabBrowser extends AsyncDisposable {
  /** A window of its own, as of another person. */
  open(options?: BrowserContextOptions): Promise<Visit>;
}

export interface Visit {
  readonly page: Page;
  /**
   * What no page of ours may have: errors, scripts or loads that its policy refuses, dialogs of the
   * browser's, requests elsewhere.
   */
  readonly complaints: readonly string[];
}

const PROGRAM = "chromium-headless-shell";

/** `hosts`: names that it knows besides, and their addresses. */
export async function startBrowser(
  namespace: NetworkNamespace,
  hosts: Readonly<Record<string, string>> = {},
): Promise<LabBrowser> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "egress-browser-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const starter = join(folder, "chromium");
  await writeFile(starter, `#!/bin/sh\nexec ${argvIn(namespace, [PROGRAM]).join(" ")} "$@"\n`);
  await chmod(starter, 0o755);
  const browser = await chromium.launch({
    executablePath: starter,
    timeout: WAIT_MS,
    // As root, whom Chromium's own sandbox does not take.
    chromiumSandbox: false,
    args: [
      `--host-resolver-rules=${Object.entries(hosts)
        .map((entry) => `MAP ${entry.join(" ")}`)
        .join(",")}`,
    ],
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, XDG_RUNTIME_DIR: folder, TMPDIR: folder },
  });
  undo.defer(() => browser.close());
  const all = undo.move();
  return {
    open: (options) => openVisit(browser, options),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const TELL_VIOLATIONS = `document.addEventListener("securitypolicyviolation", ({ violatedDirective, sample }) => {
  tellViolation("refused by " + violatedDirective + ": " + sample);
});`;

async function openVisit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  await page.exposeFunction("tellViolation", (words: string) => complaints.push(words));
  await page.addInitScript(TELL_VIOLATIONS);
  page.on("pageerror", (error) => complaints.push(`error: ${String(error)}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  let origin: string | undefined;
  page.on("request", (request) => {
    const { origin: asked } = new URL(request.url());
    origin ??= asked;
    if (asked !== origin) complaints.push(`request elsewhere: ${request.url()}`);
  });
  return { page, complaints };
}

/** What a person who uses the keyboard is at. */
export async function focusedLabel(page: Page): Promise<string> {
  const focused = page.locator(":focus");
  return (await focused.getAttribute("aria-label")) ?? (await focused.textContent()) ?? "";
}

/** Goes on by Tab until it is at what has this label; throws if no Tab leads there. */
export async function tabTo(page: Page, label: string): Promise<void> {
  for (let steps = 0; steps < 100; steps += 1) {
    await page.keyboard.press("Tab");
    if ((await page.locator(":focus").getAttribute("aria-label")) === label) return;
  }
  throw new Error(`no Tab leads to ${label}`);
}
