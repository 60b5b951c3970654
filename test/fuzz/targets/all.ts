import type { Target } from "../engine/target.ts";
import { answer } from "./answer.ts";
import { firstOctets } from "./first-octets.ts";
import { hostMessage } from "./host-message.ts";
import { http } from "./http.ts";
import { loggedPacket } from "./logged-packet.ts";
import { names } from "./names.ts";
import { netlink } from "./netlink.ts";
import { policyBody } from "./policy-body.ts";
import { helloByTlslite } from "./hello-by-tlslite.ts";
import { proxyAnswer } from "./proxy-answer.ts";
import { query } from "./query.ts";
import { relayedRequest } from "./relayed-request.ts";
import { queuedPacket } from "./queued-packet.ts";
import { requestsByH11 } from "./requests-by-h11.ts";
import { resolvConf } from "./resolv-conf.ts";
import { ruleFile } from "./rule-file.ts";
import { scrub } from "./scrub.ts";
import { signature } from "./signature.ts";
import { tcpFraming } from "./tcp-framing.ts";

/** Every target, by the name that `npm run fuzz` takes. */
export const TARGETS: readonly Target[] = [
  query,
  names,
  answer,
  hostMessage,
  tcpFraming,
  netlink,
  loggedPacket,
  queuedPacket,
  policyBody,
  ruleFile,
  resolvConf,
  signature,
  http,
  firstOctets,
  helloByTlslite,
  requestsByH11,
  relayedRequest,
  scrub,
  proxyAnswer,
];
