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

/** Makes what posts to a URL, which the operator has set. Throws OutboundError `bad-host`. Nothing is sent or opened yet. */
export async function openDestination(
  text: string,
  contentType: string,
  outbound: Outbound,
): Promise<Poster> {
  const { mark, ways, userAgent } = outbound;
  const url = new URL(text);
  const port = Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port);
  const resolve = createHostResolver(url.hostname, createUpstreamAsker(outbound.upstreams, mark));
  return createPoster({
    url,
    contentType,
    userAgent,
    async connect() {
      const endpoints = (await resolve()).map((address) => ({ address, port }));
      await ways.open(endpoints);
      return connectToAny(endpoints, mark);
    },
  });
}
