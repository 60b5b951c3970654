import { describe, expect, test } from "vitest";
import { findDemand } from "../../../src/enforcement/names/app-fault.ts";
import type { JudgedFlow } from "../../../src/enforcement/names/judged-flow.ts";
import { findNameFault, isDeniedShown } from "../../../src/enforcement/names/name-fault.ts";
import { SPOKEN_APPS } from "../../../src/policy/app.ts";
import type { ShownName } from "../../../src/wire-names/flow-state.ts";
import { compiledPolicy, qname } from "../../support/policy.ts";

const [DB, WEB] = ["db.example.org", "web.example.org"];
const flow = (owners: readonly string[], changes: Partial<JudgedFlow> = {}): JudgedFlow => ({
  isStrict: false,
  port: 5432,
  address: Buffer.of(198, 51, 100, 50),
  owners: () => owners,
  isLearned: () => owners.length > 0,
  ...changes,
});

/** `tls NAME`, `postgres NAME` (its TLS), `ssh`, `other`: as a flow shows it. */
function shown(text: string): ShownName {
  const [word, name] = text.split(" ");
  const app = [...SPOKEN_APPS, "other" as const].find((one) => one === word);
  if (app === undefined) throw new Error(`${text} is none`);
  const kind = app === "http" || app === "tls" ? app : name === undefined ? "other" : "tls";
  return { kind, name: name === undefined ? undefined : qname(name), app };
}

function passes(policy: ReturnType<typeof compiledPolicy>, text: string, judged: JudgedFlow): boolean {
  return findNameFault({ active: policy, pending: undefined }, shown(text), judged) === undefined;
}

describe("the first match over target, port and what is spoken decides", () => {
  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    [
      "a name",
      [`allow ${DB} /5432 app postgres`],
      ["postgres", `postgres ${DB}`],
      [`tls ${DB}`, "ssh", "other", `postgres ${WEB}`],
    ],
    [
      "TLS",
      [`allow ${DB} /5432 app tls`],
      [`tls ${DB}`],
      ["tls", `http ${DB}`, `tls ${WEB}`, `postgres ${DB}`, "postgres"],
    ],
    ["HTTP", [`allow ${DB} /5432 app http`], [`http ${DB}`], [`tls ${DB}`, "http", `http ${WEB}`]],
    ["any", [`allow ${DB} /5432 app any`, `allow ${WEB} /5432 app ssh`], ["other", "tls", `tls ${WEB}`], []],
    ["an address", ["allow 198.51.100.0/24 /5432 app ssh"], ["ssh"], ["other", "postgres", `tls ${DB}`]],
    ["TLS to an address", ["allow 198.51.100.50 /5432 app tls"], ["tls", `tls ${WEB}`], ["http", "ssh"]],
    ["every destination", ["allow * /5432 app ssh"], ["ssh"], ["other"]],
    ["a denial ahead", [`deny ${DB} /5432`, `allow ${DB} /5432 app ssh`], [], ["ssh"]],
    [
      "an allow without app behind",
      [`allow ${DB} /5432 app ssh`, `allow ${DB}`],
      ["ssh", "other", "postgres", `tls ${DB}`],
      ["tls"],
    ],
    [
      "a denial behind",
      [`allow ${DB} /5432 app ssh`, `deny ${DB}`, "allow *.example.org"],
      ["ssh", `tls ${WEB}`],
      ["other", `tls ${DB}`],
    ],
    ["another port", [`allow ${DB}`, `allow ${WEB} /22 app ssh`], ["ssh", "other", `tls ${DB}`], ["tls"]],
    [
      "two apps",
      [`allow ${DB} /5432 app ssh`, `allow ${DB} /5432 app postgres`],
      ["ssh", "postgres"],
      ["other"],
    ],
  ])("%s", (_what, egress, good, bad) => {
    const policy = compiledPolicy("deny", ...egress);
    const judged = flow([DB]);
    expect(good.filter((text) => !passes(policy, text, judged))).toEqual([]);
    expect(bad.filter((text) => passes(policy, text, judged))).toEqual([]);
  });

  test("strict lets what shows no name pass by a rule that asks for it, and by no other", () => {
    const judged = flow([DB], { isStrict: true });
    expect(passes(compiledPolicy("deny", `allow ${DB} /5432 app ssh`), "ssh", judged)).toBe(true);
    expect(
      passes(compiledPolicy("deny", `allow ${DB} /5432 app ssh`, `allow ${DB}`), "postgres", judged),
    ).toBe(false);
    expect(
      passes(
        compiledPolicy("deny", `allow ${DB} /5432 app any`, `allow ${WEB} /5432 app ssh`),
        "other",
        judged,
      ),
    ).toBe(true);
    expect(passes(compiledPolicy("deny", `allow ${DB}`), "ssh", judged)).toBe(false);
  });

  test("strict refuses nothing for want of a name where the default action allows, as in audit mode", () => {
    const judged = flow([DB], { isStrict: true });
    const policy = compiledPolicy("allow", `allow ${DB} /5432 app ssh`, `allow ${DB}`);
    for (const text of ["ssh", "postgres", "other"])
      expect([text, passes(policy, text, judged)]).toEqual([text, true]);
    const denying = compiledPolicy("allow", `allow ${DB} /5432 app ssh`, `deny ${DB}`);
    expect(passes(denying, "other", judged)).toBe(false);
  });

  test("one of the names of an address is enough", () => {
    const policy = compiledPolicy("deny", `allow ${DB} /5432 app postgres`, `allow ${WEB} /5432 app ssh`);
    expect(passes(policy, "ssh", flow([DB]))).toBe(false);
    expect(passes(policy, "ssh", flow([DB, WEB]))).toBe(true);
  });

  test("an address that only a rule for it has opened is good for what that asks, and for no name", () => {
    const policy = compiledPolicy("deny", "allow 198.51.100.50 /5432 app ssh", `allow ${DB}`);
    expect(passes(policy, "ssh", flow([]))).toBe(true);
    expect(passes(policy, `tls ${DB}`, flow([]))).toBe(false);
    expect(passes(policy, `tls ${DB}`, flow([DB]))).toBe(true);
  });

  test("what the default action allows passes where no rule denies it", () => {
    const policy = compiledPolicy("allow", `allow ${DB} /5432 app ssh`, `deny ${DB}`);
    expect(passes(policy, "ssh", flow([DB]))).toBe(true);
    expect(passes(policy, "other", flow([DB]))).toBe(false);
    expect(passes(policy, "other", flow([WEB]))).toBe(true);
    expect(passes(policy, "other", flow([]))).toBe(true);
  });

  test("while a change is under way both policies have to let it pass", () => {
    const active = compiledPolicy("deny", `allow ${DB} /5432 app ssh`);
    const pending = compiledPolicy("deny", `allow ${DB} /5432 app postgres`);
    expect(findNameFault({ active, pending }, shown("ssh"), flow([DB]))).toContain("ssh");
  });
});

test("what a flow has to show is nothing where all policies say any, else what any of them asks", () => {
  const [any, ssh, plain] = [" /5432 app any", " /5432 app ssh", ""].map((scope) =>
    compiledPolicy("deny", `allow ${DB}${scope}`),
  );
  if (any === undefined || ssh === undefined || plain === undefined) throw new Error("no policy");
  const judged = flow([DB]);
  expect(findDemand([any], judged)).toBe("nothing");
  expect(findDemand([any, ssh], judged)).toBe("app");
  expect(findDemand([any, plain], judged)).toBe("name");
  expect(findDemand([ssh], judged)).toBe("app");
  expect(findDemand([ssh], flow([DB], { port: 22 }))).toBe("name");
  expect(findDemand([any], flow([WEB]))).toBe("name");
});

test("a change ends what it lets pass no more, also where it is not known what was spoken", () => {
  const [before, after] = [
    compiledPolicy("deny", `allow ${DB} /5432`),
    compiledPolicy("deny", `allow ${DB} /5432 app tls`),
  ];
  const name = qname(DB);
  const judged = flow([DB]);
  expect(isDeniedShown(before, { name }, judged)).toBe(false);
  expect(isDeniedShown(after, { name, app: "tls" }, judged)).toBe(false);
  expect(isDeniedShown(after, { name, app: "http" }, judged)).toBe(true);
  expect(isDeniedShown(after, { name }, judged)).toBe(true);
  expect(isDeniedShown(after, { name: undefined, app: "ssh" }, judged)).toBe(true);
  expect(isDeniedShown(before, { name: undefined, app: "ssh" }, judged)).toBeUndefined();
});
