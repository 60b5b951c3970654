/** Where the resolver listens unless a process of the workload has taken it. */
export const RESOLVER_PORT = 15_353;
