import { expect, test } from "vitest";
import { loadPage } from "../../src/page/page.ts";
import { startApi } from "./api-server.ts";

test("the page is served without a token, with nothing but its own script and style let run", async () => {
  await using api = await startApi({
    auth: { token: "s3cret", allowLocalWrites: false },
    loadPage: async () => ({ html: "<p>", scriptHash: "'sha256-script'", styleHash: "'sha256-style'" }),
  });
  const answer = await api.call("GET", "/");
  expect(answer).toMatchObject({ status: 200, text: "<p>" });
  expect(answer.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "default-src 'none'; script-src 'sha256-script'; style-src 'sha256-style'; connect-src 'self'; img-src data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  });
  expect(await api.call("POST", "/")).toMatchObject({ status: 405 });
});

test("a sidecar without a page has no such path", async () => {
  await using api = await startApi();
  expect(await api.call("GET", "/")).toMatchObject({ status: 404 });
});

test("the document ends its script and its style where they end, and names no other place to load from", async () => {
  const { html } = await loadPage();
  expect(html.match(/<\/?(?:script|style)\b/gi)).toEqual(["<style", "</style", "<script", "</script"]);
  expect(html.match(/(?:src|href)="(?!#|data:)[^"]*"/g)).toBeNull();
  expect(html).not.toMatch(/url\(|@import/);
});
