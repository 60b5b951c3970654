import type { DomainName } from "../../policy/domain-name.ts";
import { CLASS_IN } from "./constants.ts";
import { write16 } from "./query.ts";

/** A question section: the name's labels, type, class IN (RFC 1035 section 4.1.2). */
export function encodeQuestion(qname: DomainName, qtype: number): Buffer {
  const labels = qname === "" ? [] : qname.split(".");
  const octets = Buffer.alloc(labels.reduce((sum, label) => sum + label.length + 1, 5));
  let at = 0;
  for (const label of labels) {
    octets[at] = label.length;
    at += 1 + octets.write(label, at + 1, "latin1");
  }
  write16(octets, at + 1, qtype);
  write16(octets, at + 3, CLASS_IN);
  return octets;
}
