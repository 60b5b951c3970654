import { expect, test } from "vitest";
import { createOwnWays } from "../../src/outbound/own-ways.ts";

const at = (address: string, port = 4318) => ({ address, port });

test("the kernel is asked only for what is not open yet, and then for all of it", async () => {
  const loads: string[][] = [];
  const ways = createOwnWays(async (all) => {
    loads.push(all.map(({ address, port }) => `${address} ${port}`));
  });
  await ways.open([at("192.0.2.1")]);
  await ways.open([at("192.0.2.1")]);
  await ways.open([at("192.0.2.1", 9090), at("192.0.2.1")]);
  await ways.open([at("2001:db8::1")]);
  expect(loads).toEqual([
    ["192.0.2.1 4318"],
    ["192.0.2.1 9090", "192.0.2.1 4318"],
    ["192.0.2.1 9090", "192.0.2.1 4318", "2001:db8::1 4318"],
  ]);
});

test("who asks for a way that is being opened waits for it", async () => {
  const loading = Promise.withResolvers<void>();
  const ways = createOwnWays(() => loading.promise);
  const seen: string[] = [];
  const first = ways.open([at("192.0.2.1")]).then(() => seen.push("first"));
  const second = ways.open([at("192.0.2.1")]).then(() => seen.push("second"));
  await Promise.resolve();
  expect(seen).toEqual([]);
  loading.resolve();
  await Promise.all([first, second]);
  expect(seen).toEqual(["first", "second"]);
});

test("at most 32 are open: those used longest ago go", async () => {
  let open: readonly { address: string }[] = [];
  const ways = createOwnWays(async (all) => {
    open = all;
  });
  for (let n = 0; n < 40; n++) {
    await ways.open([at(`192.0.2.${n}`)]);
    await ways.open([at("192.0.2.0")]);
  }
  expect(open).toHaveLength(32);
  expect(open.map(({ address }) => address)).toContain("192.0.2.0");
  expect(open.map(({ address }) => address)).not.toContain("192.0.2.5");
});
