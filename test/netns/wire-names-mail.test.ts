/**
 * Mail, where connections are judged by the name they show: the server speaks first, and TLS begins behind
 * STARTTLS. `known` takes it for neither TLS nor HTTP, `strict` refuses it, unless a rule allows the address.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const SERVER = fileURLToPath(new URL("../support/servers/mail.py", import.meta.url));
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const GOOD = "mail.shared.example.org";
const BY_NAME = { action: "allow", target: GOOD };

const lab = useLab({ zone: { [GOOD]: SHARED }, upstream: { ttlSeconds: 300 } });
let mail: JsonServer;
beforeAll(async () => {
  const [key, cert] = [join(lab.stateFolder, "key"), join(lab.stateFolder, "cert")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await promisify(execFile)("openssl", ["req", ...kind, "-subj", "/CN=x", "-keyout", key, "-out", cert]);
  mail = await startJsonServer(lab.internet, ["python3", SERVER, key, cert]);
});
afterAll(() => mail[Symbol.asyncDispose]());

/** Python's own client: what NOOP is answered within TLS, or that it came to nothing. */
const SMTPLIB = `
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try:
    with smtplib.SMTP(sys.argv[1], 25, local_hostname="sandbox", timeout=30) as client:
        client.starttls(context=context)
        print(client.noop()[0])
except (OSError, smtplib.SMTPException) as error:
    print("refused")`;

describe.each(["known", "strict"])("%s", (names) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    const env = { OPENSANDBOX_EGRESS_WIRE_NAMES: names };
    sidecar = await lab.startSidecar({ policy: { egress: [BY_NAME] }, env });
  });
  afterAll(() => sidecar.kill("SIGKILL"));

  describe.each(FAMILIES)("$name", (family) => {
    beforeEach(async (context) => {
      skipWithoutFamily(context, lab, family);
      await lab.dig(GOOD, family.qtype);
    });
    const [v4 = "", v6 = ""] = SHARED.addresses;
    const shared = family.name === "IPv4" ? v4 : v6;
    const bracketed = shared.includes(":") ? `[${shared}]` : shared;
    const sendByPython = async (): Promise<string> =>
      (await lab.asWorkload(["python3", "-c", SMTPLIB, shared])).stdout.trim();
    async function sendByOpenssl(): Promise<boolean> {
      const place = ["-connect", `${bracketed}:25`, "-servername", GOOD] as const;
      const argv = ["openssl", "s_client", "-starttls", "smtp", ...place, "-quiet"] as const;
      const { stdout } = await lab.asWorkload(argv, { input: "NOOP\r\nQUIT\r\n" });
      return stdout.includes("221 bye");
    }

    test("mail behind STARTTLS goes where what is neither TLS nor HTTP may", async () => {
      const isNamed = names === "known";
      expect(await sendByPython()).toBe(isNamed ? "250" : "refused");
      expect(await sendByOpenssl()).toBe(isNamed);
    });

    test("where a rule allows the address it goes under each setting", async () => {
      const change = await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: shared }] });
      expect(change.status).toBe(200);
      expect(await sendByPython()).toBe("250");
      expect(await sendByOpenssl()).toBe(true);
      await sidecar.api("DELETE", "/policy", { body: [shared] });
    });
  });
});
