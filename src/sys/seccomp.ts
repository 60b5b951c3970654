/** A filter of system calls (seccomp(2)) that every program has which this thread starts from then on. */
import { createArena } from "./arena.ts";
import { tryCall } from "./libc.ts";

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const RET_ALLOW = 0x7fff_0000;
/** ENOSYS: as on a kernel that has no keys, with which programs can deal. */
const RET_ENOSYS = 0x0005_0000 | 38;

/** Classic BPF: code:2 jump-if-true:1 jump-if-false:1 value:4. Jumps count from the next instruction. */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const and = (mask: number): Instruction => [0x54, 0, 0, mask];
const jumpIfEqual = (value: number, yes: number, no: number): Instruction => [0x15, yes, no, value];
const jumpIfGreater = (value: number, yes: number, no: number): Instruction => [0x25, yes, no, value];
const jumpIfAtLeast = (value: number, yes: number, no: number): Instruction => [0x35, yes, no, value];
const giveBack = (value: number): Instruction => [0x06, 0, 0, value];

/** seccomp_data: nr:4 arch:4. */
const [NR_AT, ARCH_AT] = [0, 4];
/** x32's calls are those of x86-64 with this bit. */
const WITHOUT_X32 = 0xbfff_ffff;

/** The first of add_key(2), request_key(2) and keyctl(2), by AUDIT_ARCH_*: numbers in a row on each. */
const KEY_CALLS = [
  [0xc000_003e, 248], // x86-64
  [0x4000_0003, 286], // i386
  [0xc000_00b7, 217], // arm64
  [0x4000_0028, 309], // arm
] as const;

/** Refuses the three calls, and lets all others pass. */
export function renderKeyFilter(): Uint8Array {
  const instructions = [
    load(ARCH_AT),
    ...KEY_CALLS.flatMap(([arch, first]) => [
      jumpIfEqual(arch, 0, 6),
      load(NR_AT),
      and(WITHOUT_X32),
      jumpIfAtLeast(first, 0, 2),
      jumpIfGreater(first + 2, 1, 0),
      giveBack(RET_ENOSYS),
      giveBack(RET_ALLOW),
    ]),
    giveBack(RET_ALLOW),
  ];
  const octets = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, whenTrue, whenFalse, value]] of instructions.entries()) {
    octets.writeUInt16LE(code, index * 8);
    octets.set([whenTrue, whenFalse], index * 8 + 2);
    octets.writeUInt32LE(value, index * 8 + 4);
  }
  return octets;
}

/**
 * Refuses the kernel's keys to this thread, for good, and to what it starts. False if the kernel takes no
 * filter. Needs CAP_SYS_ADMIN, in whatever user namespace.
 */
export function refuseKeys(): boolean {
  const filter = renderKeyFilter();
  // sock_fprog: count:2, then the address at 8.
  const program = createArena(16 + filter.length);
  program.octets.set(filter, 16);
  program.octets.writeUInt16LE(filter.length / 8, 0);
  program.writePointer(8, 16);
  return tryCall("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program.address(0), 0, 0) === 0;
}
