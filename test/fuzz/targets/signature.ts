import { digestBody } from "../../../src/api/auth/content-digest.ts";
import { isSignatureOf, parseSignature, renderSignature } from "../../../src/api/auth/signature.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const TOKEN = "fuzz";
const CALL = { method: "PATCH", pathAndQuery: "/policy", bodyDigest: digestBody(Buffer.from("[]")) };

/**
 * The header of a signed call: it is read as it is written or not at all, and only the true one proves
 * anything.
 */
export const signature: Target = {
  name: "signature",
  seeds: "signature",
  make: (random) =>
    Buffer.from(
      renderSignature(random.pick([TOKEN, "other"]), CALL, {
        timeMs: random.below(2 ** 31),
        nonce: random.octets(1 + random.below(20)).toString("hex"),
      }),
    ),
  open: async () => plainChecker((input) => check(input.toString("latin1"))),
};

function check(text: string): string {
  const parsed = parseSignature(text);
  if (parsed === undefined) return "refused";
  const { timeMs, nonce, mac } = parsed;
  const written = text.replace(/^t=0+(?=\d)/, "t=");
  if (`t=${timeMs},n=${nonce},v1=${mac.toString("hex")}` !== written)
    throw new Error("is not what was written");
  const again = renderSignature(TOKEN, CALL, { timeMs, nonce });
  const isTrue = isSignatureOf(TOKEN, CALL, parsed);
  if (isTrue !== (again === written)) throw new Error(`proves the call: ${isTrue}`);
  return isTrue ? "proves" : "proves nothing";
}
