/**
 * The same forwarding in other circumstances: over TCP, through the kernel's redirect, with everything
 * logged, under larger policies.
 */
import type { Bench } from "../bench.ts";
import type { Arm, Experiment } from "../experiment.ts";
import { ALLOWED_ZONE, DENIED_ZONE } from "../load/numbered-names.ts";
import { UPSTREAM } from "../network.ts";
import { startUnbound } from "../subjects/peers.ts";
import { startOurs } from "../subjects/sidecar.ts";
import type { Subject } from "../subjects/subject.ts";
import { createNameFiles, deniedSample, forwardingArm, measureRate, startingArm } from "./lookup-arms.ts";
import { manyRules } from "./many-rules.ts";

const IN_FLIGHT = 50;

export const tcp: Experiment = {
  name: "tcp",
  warmsUp: true,
  rows: [
    {
      id: "tcp",
      title: "every name new, over 4 kept TCP connections, 50 in flight",
      unit: "lookups/s",
      aims: [
        { kind: "ratio", of: "ours dns", to: "ours dns", toRow: "forwarded-50", atLeast: 0.5 },
        { kind: "ratio", of: "ours dns+nft", to: "ours dns+nft", toRow: "forwarded-50", atLeast: 0.5 },
      ],
    },
  ],
  async prepare(bench, made) {
    const nameFile = createNameFiles(bench, ALLOWED_ZONE);
    const subjects: readonly Subject[] = [
      made.use(await startUnbound(bench)),
      made.use(await startOurs(bench, { mode: "dns" })),
      made.use(await startOurs(bench)),
    ];
    return subjects.map((subject) =>
      forwardingArm(bench, subject, nameFile, { row: "tcp", inFlight: IN_FLIGHT, tcp: true }),
    );
  },
};

export const redirected: Experiment = {
  name: "redirected",
  warmsUp: true,
  rows: [
    {
      id: "redirected",
      title: "every name new, asked at another address and redirected",
      unit: "lookups/s",
      aims: [{ kind: "ratio", of: "ours dns+nft", to: "ours dns+nft", toRow: "forwarded-50", atLeast: 0.8 }],
    },
  ],
  async prepare(bench) {
    const nameFile = createNameFiles(bench, ALLOWED_ZONE);
    const load = { row: "redirected", inFlight: IN_FLIGHT };
    const startIn = (mode: "dns" | "dns+nft") => async (): Promise<Subject> => ({
      ...(await startOurs(bench, { mode })),
      server: UPSTREAM,
    });
    return [
      startingArm(bench, startIn("dns"), nameFile, { ...load, column: "ours dns" }),
      startingArm(bench, startIn("dns+nft"), nameFile, { ...load, column: "ours dns+nft" }),
    ];
  },
};

export const logged: Experiment = {
  name: "logged",
  warmsUp: true,
  rows: [
    {
      id: "logged",
      title: "every name new, 50 in flight; log level info: each logged",
      unit: "lookups/s",
    },
    { id: "unlogged", title: "the same beside it at log level warn", unit: "lookups/s" },
  ],
  async prepare(bench, made) {
    const nameFile = createNameFiles(bench, ALLOWED_ZONE);
    const arms: Arm[] = [];
    for (const [row, logLevel] of [
      ["logged", "info"],
      ["unlogged", "warn"],
    ] as const) {
      const subject = made.use(await startOurs(bench, { logLevel }));
      arms.push(forwardingArm(bench, subject, nameFile, { row, inFlight: IN_FLIGHT }));
    }
    return arms;
  },
};

const SIZES = [10, 4096, 100_000] as const;

export const rules: Experiment = {
  name: "rules",
  warmsUp: true,
  rows: SIZES.flatMap((size) =>
    (["forwarded", "refused"] as const).map((kind) => ({
      id: `rules-${size}-${kind}`,
      title: `${size.toLocaleString("en")} rules, 50 in flight: ${kind}`,
      unit: "lookups/s" as const,
      ...(size === SIZES[0]
        ? {}
        : {
            aims: [
              {
                kind: "ratio" as const,
                of: "ours dns+nft" as const,
                to: "ours dns+nft" as const,
                toRow: `rules-${SIZES[0]}-${kind}`,
                atLeast: 0.9,
              },
            ],
          }),
    })),
  ),
  async prepare(bench, made) {
    const newNames = createNameFiles(bench, ALLOWED_ZONE);
    const deniedNames = createNameFiles(bench, DENIED_ZONE);
    const arms: Arm[] = [];
    for (const size of SIZES) {
      const subject = made.use(
        await startOurs(bench, { rules: manyRules("mixed", size), logLevel: "error" }),
      );
      const row = `rules-${size}`;
      arms.push(
        forwardingArm(bench, subject, newNames, { row: `${row}-forwarded`, inFlight: IN_FLIGHT }),
        refusingArm(bench, subject, deniedNames, `${row}-refused`),
      );
    }
    return arms;
  },
};

function refusingArm(
  bench: Bench,
  subject: Subject,
  nameFile: ReturnType<typeof createNameFiles>,
  row: string,
): Arm {
  return {
    column: subject.column,
    async run(round) {
      const { file } = await nameFile(round);
      const task = { file, seconds: bench.seconds, inFlight: IN_FLIGHT };
      return measureRate(row, subject, task, deniedSample(bench));
    },
  };
}
