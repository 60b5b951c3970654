import { hasNetAdmin, isHostNetwork } from "../sys/namespace-facts.ts";

/** Why rules must not be applied here, one reason a line; none if they may. */
export function findObstacles({
  allowHostNetwork,
}: {
  readonly allowHostNetwork: boolean;
}): readonly string[] {
  const obstacles: string[] = [];
  if (!hasNetAdmin()) {
    obstacles.push("CAP_NET_ADMIN is missing; start the sidecar with it (docker run --cap-add NET_ADMIN)");
  }
  if (isHostNetwork() && !allowHostNetwork) {
    obstacles.push(
      "this is the machine's own network namespace, and its rules would cut the machine off; run it in the sandbox's namespace, " +
        "or set OPENSANDBOX_EGRESS_ALLOW_HOST_NETNS=true",
    );
  }
  return obstacles;
}
