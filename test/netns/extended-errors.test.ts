/**
 * Why a name got no address, in words, by tools that others wrote: what the answer's extended error (RFC
 * 8914) says is what they print.
 */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { INTERNET_V4 } from "../support/lab.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ upstream: { ttlSeconds: 300 } });

beforeAll(async () => {
  await writeFile(join(lab.stateFolder, "rules", "deny.always"), "never.example.org\n");
  const egress = [
    { action: "deny", target: "two.example.org" },
    { action: "allow", target: "*.wild.example.org" },
  ];
  await lab.startSidecar({
    policy: { egress },
    env: { OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE: "1" },
  });
  // Takes the only place.
  await lab.dig("first.wild.example.org", "A");
});

const CAUSES = [
  ["three.example.org", "15 (Blocked)", "no rule allows three.example.org"],
  ["two.example.org", "15 (Blocked)", "a rule denies two.example.org"],
  ["never.example.org", "15 (Blocked)", "the operator's rules deny never.example.org"],
  ["second.wild.example.org", "18 (Prohibited)", "too many lookups this minute"],
] as const;

describe.each([
  ["dig", ["dig", `@${INTERNET_V4}`]],
  ["dig over TCP", ["dig", "+tcp", `@${INTERNET_V4}`]],
  ["kdig", ["kdig", "+edns", `@${INTERNET_V4}`]],
  ["kdig over TCP", ["kdig", "+edns", "+tcp", `@${INTERNET_V4}`]],
] as const)("%s shows why", (_client, [program, ...options]) => {
  test.each(CAUSES)("%s has no address", async (name, code, words) => {
    // If a minute has begun since the last one, this takes its only place.
    await lab.dig(`${randomUUID()}.wild.example.org`, "A");
    const { stdout } = await lab.asWorkload([program, ...options, name, "A"]);
    const line = stdout.split("\n").find((one) => one.includes("EDE"));
    expect(line).toContain(`EDE: ${code}: `);
    expect(line).toContain(words);
  });
});
