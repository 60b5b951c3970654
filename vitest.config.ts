import { defineConfig } from "vitest/config";

/**
 * Three projects. `unit` needs nothing but Node; `netns` needs root, because it makes network namespaces and loads nftables
 * rules inside them. Files of `netns` run two at a time at most: they start real servers and the machine may be small.
 * `image` builds the container image and runs it by podman, one file at a time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/netns/**",
            "test/conformance/**",
            "test/escape/**",
            "test/faults/**",
            "test/image/**",
          ],
        },
      },
      {
        test: {
          name: "netns",
          include: ["test/{netns,conformance,escape,faults}/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "image",
          include: ["test/image/**/*.test.ts"],
          globalSetup: "test/image/global-setup.ts",
          pool: "forks",
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
