/** What the kernel's sets hold, as nft(8) lists them. */
import { z } from "zod";
import type { Argv } from "../../src/netns/command.ts";
import { execIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import { LONG_MS } from "./limits.ts";

export interface SetElement {
  /** An address, `ADDRESS/LENGTH`, or `FIRST-LAST`. */
  readonly address: string;
  /** Names that gave a learned address. */
  readonly comment: string | undefined;
  readonly expiresSeconds: number | undefined;
}

const value = z.union([
  z.string().transform((address) => address),
  z
    .object({ prefix: z.object({ addr: z.string(), len: z.number() }) })
    .transform(({ prefix }) => `${prefix.addr}/${prefix.len}`),
  z.object({ range: z.tuple([z.string(), z.string()]) }).transform(({ range }) => range.join("-")),
]);
const element = z.union([
  value.transform((address): SetElement => ({ address, comment: undefined, expiresSeconds: undefined })),
  z
    .object({
      elem: z.object({ val: value, comment: z.string().optional(), expires: z.number().optional() }),
    })
    .transform(({ elem }): SetElement => ({
      address: elem.val,
      comment: elem.comment,
      expiresSeconds: elem.expires,
    })),
]);
const listing = z.object({
  nftables: z.array(z.looseObject({ set: z.looseObject({ elem: z.array(element).default([]) }).optional() })),
});

/** The elements of a set of table `inet opensandbox`. */
export async function readSet(namespace: NetworkNamespace, name: string): Promise<readonly SetElement[]> {
  const argv: Argv = ["nft", "-j", "list", "set", "inet", "opensandbox", name];
  const { stdout, stderr } = await execIn(namespace, argv, { timeoutMs: LONG_MS });
  if (stdout === "") throw new Error(stderr);
  return listing.parse(JSON.parse(stdout)).nftables.flatMap(({ set }) => set?.elem ?? []);
}

/** Its addresses alone, sorted as text. */
export async function readAddresses(namespace: NetworkNamespace, name: string): Promise<readonly string[]> {
  return (await readSet(namespace, name)).map(({ address }) => address).toSorted();
}
