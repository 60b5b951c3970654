import type { Endpoint } from "../../sys/socket-address.ts";
import type { SocketMark } from "../../sys/socket.ts";
import { createHostResolver } from "../host-resolver.ts";
import type { OwnWays } from "../own-ways.ts";
import { createUpstreamAsker } from "./ask-upstreams.ts";
import { connectToAny } from "./connect.ts";
import { createPoster, type Poster } from "./poster.ts";

export interface Outbound {
  readonly upstreams: readonly Endpoint[];
  readonly mark: SocketMark;
  readonly ways: OwnWays;
  readonly userAgent: string;
}

/**
 * Makes what posts to a URL, which the operator has set. It asks for the way to a literal address now, so the
 * first policy's ruleset has it, and for the way to a name with the first request. Throws OutboundError
 * `bad-host`.
 */
export async function openDestination(
  text: string,
  contentType: string,
  outbound: Outbound,
): Promise<Poster> {
  const { mark, ways, userAgent } = outbound;
  const url = new URL(text);
  const port = Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port);
  const host = createHostResolver(url.hostname, createUpstreamAsker(outbound.upstreams, mark));
  const at = (addresses: readonly string[]): readonly Endpoint[] =>
    addresses.map((address) => ({ address, port }));
  if (host.fixed !== undefined) await ways.open(at(host.fixed));
  return createPoster({
    url,
    contentType,
    userAgent,
    async connect() {
      const endpoints = at(await host.resolve());
      await ways.open(endpoints);
      return connectToAny(endpoints, mark);
    },
  });
}
