import { defineConfig } from "vitest/config";
import { HOOK_MS, TEST_MS, WAIT_MS } from "./test/support/limits.ts";

/**
 * Four projects. `unit` needs nothing but Node; `netns` needs root, because it makes network namespaces and
 * loads nftables rules inside them. The program is bundled once, for all that it starts. Files of `netns` run
 * two at a time at most: they start real servers and the machine may be small. `image` builds the container
 * image and runs it by podman, one file at a time. `platform` is no part of `npm test`: it brings the server
 * and the SDKs of the platform whose sidecar this one replaces.
 */
export default defineConfig({
  test: {
    testTimeout: TEST_MS,
    hookTimeout: HOOK_MS,
    expect: { poll: { timeout: WAIT_MS } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/netns/**",
            "test/conformance/**",
            "test/escape/**",
            "test/faults/**",
            "test/image/**",
            "test/platform/**",
          ],
        },
      },
      {
        extends: true,
        test: {
          name: "netns",
          include: ["test/{netns,conformance,escape,faults}/**/*.test.ts"],
          globalSetup: "test/support/bundle-once.ts",
          pool: "forks",
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: "image",
          include: ["test/image/**/*.test.ts"],
          globalSetup: "test/image/global-setup.ts",
          pool: "forks",
          maxWorkers: 1,
        },
      },
      {
        extends: true,
        test: {
          name: "platform",
          include: ["test/platform/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 1,
        },
      },
    ],
  },
});
