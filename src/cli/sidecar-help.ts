/** Help on the commands of the sidecar itself, which no start of it loads. */
export const SERVE_HELP = `egress serve - runs the sidecar in this network namespace

Usage: egress serve [--strict]

It holds every process in this network namespace to the policy. Start the workload once /healthz answers "ok":
nothing holds it before. The rules stay in the kernel when the sidecar ends, and the next one takes over.

  --strict            end with exit code 78 if a setting or the policy cannot be read; by default the sidecar
                      then denies everything, and /healthz says why
  --help, -h          this text

The settings are environment variables. docs/settings.md has all of them; a start has mostly these:
  OPENSANDBOX_EGRESS_RULES         the policy, as JSON (default: deny everything)
  OPENSANDBOX_EGRESS_POLICY_FILE   a file that keeps changes of the policy over restarts
  OPENSANDBOX_EGRESS_TOKEN         what callers of the API over the network have to send
  OPENSANDBOX_EGRESS_DNS_UPSTREAM  the resolvers to ask (default: those of /etc/resolv.conf)

  OPENSANDBOX_EGRESS_RULES='{"egress":[{"action":"allow","target":"example.org"}]}' egress serve

It needs CAP_NET_ADMIN, nft and ip, and a network namespace other than the machine's own.
SIGTERM ends it; SIGUSR1 and SIGUSR2 have its log opened anew.
Exit: 0 a signal ended it; 64 wrong command line; 78 wrong setting, or no place to run.
`;

export const TEARDOWN_HELP = `egress teardown - removes what an ended sidecar has left in the kernel here

Usage: egress teardown

It removes our tables from this network namespace and releases the queues of its interfaces, and nothing else.
The sandbox is open then. It refuses while a sidecar runs: end that first. It reads OPENSANDBOX_EGRESS_SOCKET,
beside which the sidecar has noted the queues: give it the same value.

  --help, -h          this text

It needs CAP_NET_ADMIN and nft.
Exit: 0 all of it is removed, or nothing was there; 64 wrong command line; 69 a sidecar runs;
70 it could not be removed; 78 CAP_NET_ADMIN is missing.
`;
