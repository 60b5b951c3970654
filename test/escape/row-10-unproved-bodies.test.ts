/**
 * Row 10: bodies of callers who prove nothing. The program is in a memory group of 128 MiB where that can
 * be made.
 */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryGroup } from "../support/memory-group.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { useLab } from "../support/use-lab.ts";
import { POLICY, startAccomplice, startAttack } from "./attack.ts";

const MEBIBYTE = 1 << 20;
const BODY = '[{"action":"deny","target":"203.0.113.9"}]';

const group = createMemoryGroup(128 * MEBIBYTE);
const lab = useLab();
let sidecar: Sidecar;
beforeAll(async () => {
  const program = [process.execPath, MAIN, "serve"] as const;
  sidecar = await lab.startSidecar({ policy: POLICY, program: group?.wrap(program) ?? program });
});
afterAll(async () => {
  await sidecar.kill();
  await group?.[Symbol.asyncDispose]();
});

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${sidecar.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(?<kib>\d+)/.exec(status)?.groups?.["kib"]) / 1024;
}

/**
 * Headers of curl for a change that proves itself: by the token, or by a signature, with the body's digest or
 * without. Each is made for one call, as a signature is good for a minute.
 */
function proofs(): readonly (() => readonly string[])[] {
  const sign = (): string => {
    const [timeMs, nonce] = [Date.now(), randomUUID()];
    const hash = createHash("sha256").update(BODY).digest("hex");
    const mac = createHmac("sha256", sidecar.token).update(`PATCH\n/policy\n${timeMs}\n${nonce}\n${hash}`);
    return `OPENSANDBOX-EGRESS-SIGNATURE: t=${timeMs},n=${nonce},v1=${mac.digest("hex")}`;
  };
  const digest = `Content-Digest: sha-256=:${createHash("sha256").update(BODY).digest("base64")}:`;
  return [
    () => ["-H", `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`],
    () => ["-H", sign()],
    () => ["-H", sign(), "-H", digest],
  ];
}

const CALLERS = [
  ["127.0.0.1", () => lab.curl],
  ["[::1]", () => lab.curl],
  ["192.0.2.2", () => lab.curlFromOutside],
  ["[2001:db8::2]", () => lab.curlFromOutside],
] as const;

async function changeFromEverywhere(): Promise<void> {
  for (const [place, curl] of CALLERS.filter(([address]) => lab.ipv6 || !address.startsWith("["))) {
    for (const makeProof of proofs()) {
      const proof = makeProof();
      const call = ["-X", "PATCH", "-d", BODY, ...proof, `http://${place}:18080/policy`];
      expect({ place, proof, ...(await curl()(...call)) }).toMatchObject({ status: 200 });
    }
  }
}

test("row 10: a thousand callers with made-up proofs and bodies of a mebibyte cost little, and keep no honest change out", async () => {
  await changeFromEverywhere();
  const before = await residentMiB();
  const seen: Promise<number>[] = [];
  const watch = setInterval(() => seen.push(residentMiB()), 20);
  try {
    await using inside = await startAttack(lab, "unproved", "500", "127.0.0.1", ...(lab.ipv6 ? ["::1"] : []));
    await using outside = await startAccomplice(
      lab,
      "unproved",
      "500",
      "192.0.2.2",
      ...(lab.ipv6 ? ["2001:db8::2"] : []),
    );
    expect([inside.lines[0], outside.lines[0]]).toMatchObject([{ event: "ready" }, { event: "ready" }]);
    await changeFromEverywhere();
    expect(await lab.dig("one.example.org")).toMatchObject({ addresses: ["198.51.100.1"] });
  } finally {
    clearInterval(watch);
  }
  const peak = Math.max(...(await Promise.all(seen)));
  expect(peak - before).toBeLessThan(40);
  expect(group?.kills() ?? 0).toBe(0);
});
