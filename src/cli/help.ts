export const HELP = `egress - holds a sandbox to its network policy

Usage: egress COMMAND [OPTIONS]

  serve      run the sidecar in the network namespace that it is started in; with --strict, anything
             wrong ends it with exit code 78, else everything is denied and /healthz says what is wrong
  run        run one command in a network namespace of its own, held to a policy
  policy     read or change the policy of a running sidecar
  vault      read or change the credentials that a running sidecar puts into requests
  status     show what a running sidecar has in force
  log        show what a running sidecar has decided, and follow it
  explain    say what becomes of a name or an address, and why
  top        watch what a running sidecar decides, live, on the whole screen
  suggest    write a policy for what the sandbox has tried
  doctor     try attacks from inside the sandbox, and say what held
  teardown   remove everything that a sidecar, ended by now, has put into the kernel here
  completion print what makes bash, zsh or fish complete these commands

  --help, -h       this text; "egress run --help" and those of the others have more
  --version, -v    the version

The settings of serve are environment variables, see docs/settings.md.
`;

export const RUN_HELP = `egress run - runs a command that can reach what you allow, and nothing else

Usage: egress run [OPTIONS] -- COMMAND [ARGUMENT...]
       egress run --clean

  --allow TARGET      a name, *.name, an address or a prefix that may be reached; several with commas between
  --deny TARGET       one that may not
  --preset NAME       the rules of a preset: one of yours in ~/.config/egress/presets, or one that comes with egress
  --secret NAME@HOST  HOST may be reached, and gets the secret in the variable NAME; the command has a placeholder in it.
                      More hosts with commas between; NAME@HOST:HEADER sets that header on each request
  --secret-command NAME@HOST=COMMAND
                      the same for what COMMAND prints
  --config FILE       a policy file, YAML or JSON; without it egress.yaml or egress.json is taken that stands in this
                      folder or above it, up to the root of the repository or your home (--policy is the same)
  --no-config         take no such file
  --default ACTION    allow or deny: for what no rule matches (default: the file's, else deny)
  --user USER         whom the command is: a name, UID or UID:GID (default: under sudo who called it, else you)
  --dry-run           show the policy that would hold, and run nothing

  --audit             deny nothing but what deny.always and the protections do, and print the rules that what was tried needs
  --save FILE         with --audit: write them as a policy file, which must not be there yet
  --quiet, -q         say nothing but what goes wrong
  --json              say it as JSON, an object a line
  --log FILE          add the sidecar's log to this file: each lookup and each refused connection, as JSON
  --fail-on-deny      end with 77 if something was denied and the command itself has ended with 0

  --clean             undo what runs have left here that were killed; the next run does so, too
  --help, -h          this text

The first rule that matches decides: those of this line in the order written, then those of the file. Needs nft, setpriv
and unshare, and root, or pasta and a user namespace. What is denied is told on standard error the moment it happens, and at the end with the options that would allow it.

  egress run --allow example.org -- curl -sS https://example.org/
  egress run --default allow --deny '*.example.org' -- curl -sS https://www.example.org/
  egress run --secret GITHUB_TOKEN@api.github.com -- gh repo list

The command runs in network, process and mount namespaces of its own, without the capabilities that could undo that, and
with a /run and /dev of its own, so the machine's daemons are out of its reach. It shares your other files, and may write
to them as its user may: this holds programs to a policy, it does not lock up an attacker who can change your machine's files.

Exit: the command's own code, or 128 and the number of the signal that ended it; 126 it cannot be executed, 127 it is not found;
125 egress run itself could not run it, or not to its end; 77 see --fail-on-deny.
`;

export const POLICY_HELP = `egress policy - reads or changes the policy of a running sidecar

Usage: egress policy get
       egress policy patch [--allow TARGET] [--deny TARGET] [--file FILE]
       egress policy replace [--default ACTION] [--allow TARGET] [--deny TARGET] [--file FILE]
       egress policy allow TARGET...
       egress policy deny TARGET...
       egress policy delete TARGET... [--file FILE]
       egress policy reset

  get        show the policy and its entity tag
  patch      put rules before the policy's own; those with the same targets go
  allow      the same for targets that may be reached
  deny       the same for targets that may not
  replace    put another policy in its place
  delete     take out the rules with these targets
  reset      deny everything

  --allow TARGET      a name, *.name, an address or a prefix that may be reached; may be repeated
  --deny TARGET       one that may not; the first rule that matches decides, in the order written
  --default ACTION    allow or deny: for what no rule matches
  --file, -f FILE     JSON: an array of rules, a policy, or an array of targets; - is standard input
  --dry-run           show what would change, and change nothing
  --if-match TAG      change only while this entity tag holds, quotes included
  --json              answers as JSON on standard output, errors as JSON on standard error

  --run               the sidecar of the egress run that is under way on this machine
  --socket PATH       the sidecar's unix socket, which needs no token
  --url URL           its address instead, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       its token; it is not sent, each call is signed with it

Without these the sidecar's own variables hold: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (where others can list your processes, prefer that to --token).

  egress policy patch --allow example.org --deny '*.evil.example'

Exit: 0 done; 64 wrong command line; 65 refused as wrong input; 69 no answer; 75 --if-match does not hold; 77 not allowed; 78 wrong
setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

export const VAULT_HELP = `egress vault - reads or changes the credentials that a running sidecar puts into requests

Usage: egress vault get
       egress vault bind NAME --host HOST [--header NAME | --basic] [--method METHOD] [--path PATH] [WHERE]
       egress vault unbind NAME
       egress vault delete

  get        show what is bound, never a value
  bind       put a credential into requests to a host, or another one in its place; both have the name
  unbind     take the credential and the binding of that name out
  delete     delete the vault with all that it holds

  --host HOST         a name, or *.name for every name below it; several with commas between, or repeated
  --header NAME       the header that it is sent in (default: Authorization: Bearer)
  --basic             Authorization: Basic; the value is the base64 of user:password
  --method METHOD     as --host (default: GET, POST, PUT, PATCH, DELETE)
  --path PATH         a path, a final * stands for whatever follows; may be repeated (default: /*)

WHERE the value is, by default on standard input, without the line break at its end:
  --env VARIABLE      a variable of the sidecar's own environment
  --file, -f PATH     a file of the sidecar
  -- COMMAND...       what this command prints; it runs as the sidecar does
  --refresh SECONDS   read the file, or run the command, again so often

  --json              answers as JSON on standard output, errors as JSON on standard error
  --run               the sidecar of the egress run that is under way on this machine
  --socket PATH       the sidecar's unix socket, which needs no token
  --url URL           its address instead, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       its token; it is not sent, each call is signed with it

  gh auth token | egress vault bind github --host api.example.org
  egress vault bind models --host models.example.org --header x-api-key --file /run/secrets/models --refresh 300

A value crosses the network as it is: prefer the unix socket, or an address that only you can see.
Exit: as of egress policy; 75 somebody else has changed the vault meanwhile.
`;

export const STATUS_HELP = `egress status - shows what a running sidecar has in force

Usage: egress status [OPTIONS]

Health, policy layers, protections, interfaces, upstreams, counts, and a page of the addresses that lookups have opened,
each with the names that it belongs to and the seconds that it has left.

  --limit N           how many addresses, 0 to 1000 (default: 100)
  --after CURSOR      the addresses from there on: what the page before ends with
  --json              the answer as JSON on standard output, errors as JSON on standard error

  --run               the sidecar of the egress run that is under way on this machine
  --socket PATH       the sidecar's unix socket, which needs no token
  --url URL           its address instead, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       its token; it is not sent, the call is signed with it

Without these the sidecar's own variables hold: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (where others can list your processes, prefer that to --token).

Exit: 0 it answered, in whatever health; 64 wrong command line; 65 refused as wrong input; 69 no answer; 77 not allowed; 78 wrong
setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

export const LOG_HELP = `egress log - shows what a running sidecar has decided, the latest last

Usage: egress log [OPTIONS]

Each lookup, and each connection that was refused: when, what was decided, about what, and by whom. In the end of a line stand the
addresses that a name was given, or why there are none.

  --follow, -f        go on as decisions are made
  --denied            those alone that were denied, or would be (audit mode), and names whose addresses were all taken out
  --name NAME         those of a name, or of every name below one: '*.example.org'
  --address ADDRESS   those of an address or a prefix
  --limit, -n N       the last N, 0 to 1000 (default: 100)
  --json              each decision as a line of JSON on standard output, errors as JSON on standard error

  --socket PATH       the sidecar's unix socket, which needs no token
  --url URL           its address instead, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       its token; it is not sent, the call is signed with it

Without these the sidecar's own variables hold: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (where others can list your processes, prefer that to --token). NO_COLOR takes the colours off a terminal.

  egress log -f --denied
  egress log --name api.example.com --json

Exit: 0 there is such a decision; 1 there is none; 64 wrong command line; 65 refused as wrong input; 69 no answer; 77 not allowed; 78 wrong
setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

const PLACE_HELP = `  --socket PATH       the sidecar's unix socket, which needs no token
  --url URL           its address instead, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       its token; it is not sent, the call is signed with it

Without these the sidecar's own variables hold: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (where others can list your processes, prefer that to --token).
`;

export const EXPLAIN_HELP = `egress explain - says what becomes of a name or an address, and why

Usage: egress explain TARGET[:PORT] [OPTIONS]

The rules that match, in their order, and which one decides; what the resolver answers; the addresses in force and how long;
whether the kernel lets a connection pass now; what the far end does with those that are open; and the smallest change of the
policy. It is told by what enforces the policy; no upstream is asked and nothing is changed.

  --protocol WORD     tcp, udp or icmp (default: tcp)
  --try               have the sidecar open a connection to the port, as a process of the sandbox would, and say what the far end does
  --json              the answer as JSON on standard output, errors as JSON on standard error

${PLACE_HELP}
  egress explain api.example.com:443 --try
  egress explain '[2001:db8::7]:443' --protocol udp

Exit: 0 it is reached; 1 it is not; 64 wrong command line; 65 no such target; 69 no answer; 77 not allowed; 78 wrong setting; 74 the
output cannot be written, 141 nobody reads it any more.
`;

export const SUGGEST_HELP = `egress suggest - writes a policy for what the sandbox has tried

Usage: egress suggest [OPTIONS]

The smallest policy that lets through the names that were looked up and the addresses that were tried without one, allowed or not, on
standard output as JSON. What a rule denies is left out, and named on standard error. See docs/observability.md for audit mode.

  --wildcards         one wildcard in the place of several names below it
  --json              all that is known as JSON on standard output, errors as JSON on standard error

${PLACE_HELP}
  egress suggest > policy.json; egress policy replace --file policy.json

Exit: 0 done; 64 wrong command line; 69 no answer; 77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads
it any more.
`;

export const TOP_HELP = `egress top - watches what a running sidecar decides, live, on the whole screen

Usage: egress top [OPTIONS]

The targets with most denials first, and how many decisions came in each second of the last minute. q or Ctrl-C ends it, and leaves the
terminal as it was. Where standard output is no terminal, one frame is printed.

${PLACE_HELP}
Exit: 0 done; 64 wrong command line; 69 no answer; 77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads
it any more.
`;

export const COMPLETION_HELP = `egress completion - prints what makes a shell complete commands and options

Usage: egress completion bash|zsh|fish

  bash    eval "$(egress completion bash)"           in ~/.bashrc
  zsh     eval "$(egress completion zsh)"            in ~/.zshrc, after compinit
  fish    egress completion fish | source            in ~/.config/fish/config.fish

Exit: 0 done; 64 wrong command line.
`;

export const DOCTOR_HELP = `egress doctor - tries from inside what a hostile workload would, and says what held

Usage: egress doctor [OPTIONS]

  --to ADDRESS    aim at an address of your own that the policy denies, to watch it there; once for IPv4, once for IPv6
  --operator      this process is not the workload: do not count its capabilities and what it can open
  --json          the report as JSON, with each attempt
  --help, -h      this text

Run it in the workload's container, in the sidecar's, or in the network namespace alone (nsenter -t PID -n). It needs Node and
nothing else, gives up capabilities that a workload does not have, takes some seconds, and changes nothing. Packets go to
addresses that are kept for documentation, and to port 53 and other ports of the resolvers in /etc/resolv.conf.

  held        it was tried, and stopped
  OPEN        something got out
  not tried   for the reason that is given

Rows are the numbers of docs/security/held.md. Exit: 0 nothing got out; 1 something did; 64 wrong command line; 74 the output cannot be written, 141 nobody
reads it any more.
`;
