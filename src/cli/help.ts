export const HELP = `egress - holds a sandbox to its network policy

Usage: egress COMMAND [OPTIONS]

  serve      run the sidecar in the network namespace that it is started in
  run        run one command in a network namespace of its own, held to a policy
  teardown   remove everything that the sidecar has put into the kernel here

  --help, -h       this text; "egress run --help" has more on run
  --version, -v    the version

The settings of serve are environment variables, see README.md.
`;

export const RUN_HELP = `egress run - runs a command that can reach what you allow, and nothing else

Usage: egress run [OPTIONS] -- COMMAND [ARGUMENT...]

  --allow TARGET      a name, *.name, an address or a prefix that may be reached
  --deny TARGET       one that may not
  --policy FILE       a policy as JSON, as the API takes it; --allow and --deny come before its rules
  --default ACTION    allow or deny: for what no rule matches (default: the file's, else deny)
  --help, -h          this text

The first rule that matches decides, in the order written. Needs root, nft, ip, setpriv and unshare.

  egress run --allow registry.npmjs.org -- npm ci
  egress run --default allow --deny '*.example.org' -- curl -sS https://www.example.org/

The command runs in network, process and mount namespaces of its own, without the capabilities that could undo that, and
with a /run and /dev of its own, so the machine's daemons are out of its reach. It shares your other files, and as root it
may write to them: this holds programs to a policy, it does not lock up an attacker who can change your machine's files.
`;
