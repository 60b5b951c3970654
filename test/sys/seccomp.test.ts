import { expect, test } from "vitest";
import { renderKeyFilter } from "../../src/sys/seccomp.ts";

const [X86_64, I386, ARM64, ARM, RISCV64] = [0xc000_003e, 0x4000_0003, 0xc000_00b7, 0x4000_0028, 0xc000_00f3];
const X32 = 0x4000_0000;

/** As the kernel runs it: seccomp(2) has the data, linux/bpf_common.h the codes. */
function verdictOf(arch: number, nr: number): string {
  const view = new DataView(Uint8Array.from(renderKeyFilter()).buffer);
  let accumulator = 0;
  for (let at = 0; at < view.byteLength; at += 8) {
    const value = view.getUint32(at + 4, true);
    const jump = (isTrue: boolean): number => view.getUint8(at + (isTrue ? 2 : 3)) * 8;
    const code = view.getUint16(at, true);
    if (code === 0x20) accumulator = value === 0 ? nr : arch;
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x25) at += jump(accumulator > value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else if (code === 0x06) return value === 0x7fff_0000 ? "allowed" : `errno ${value & 0xffff}`;
    else throw new Error(`no such code: ${code}`);
  }
  throw new Error("the program has no end");
}

test.each([
  ["x86-64", X86_64, 248],
  ["x32", X86_64, X32 + 248],
  ["i386", I386, 286],
  ["arm64", ARM64, 217],
  ["arm", ARM, 309],
])("the calls of keys are not there on %s, those beside them are", (_name, arch, addKey) => {
  const verdicts = [-1, 0, 1, 2, 3].map((step) => verdictOf(arch, addKey + step));
  expect(verdicts).toEqual(["allowed", "errno 38", "errno 38", "errno 38", "allowed"]);
  expect([0, 1, 59, 221, 450].map((nr) => verdictOf(arch, nr))).toEqual(Array(5).fill("allowed"));
});

test("an architecture that the machine cannot run is let through", () => {
  expect(verdictOf(RISCV64, 248)).toBe("allowed");
});
