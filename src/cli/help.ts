export const HELP = `egress - holds a sandbox to its network policy

Usage: egress COMMAND [OPTIONS]

  serve      run the sidecar in this network namespace; if a setting is wrong, it denies everything
             and /healthz says why (with --strict it ends with exit code 78)
  run        run one command in a network namespace of its own, held to a policy
  policy     read or change the policy of a running sidecar
  vault      read or change the credentials that a running sidecar puts into requests
  status     show what a running sidecar has in force
  log        show what a running sidecar has decided, and follow it
  explain    say whether a name or an address can be reached, and why
  top        watch the decisions of a running sidecar, live, on the whole screen
  suggest    write a policy for what the sandbox has tried
  doctor     try attacks from inside the sandbox, and say what held
  teardown   remove what an ended sidecar has left in the kernel here
  completion print the completion script for bash, zsh or fish

  --help, -h       this text; "egress run --help" and the like have more
  --version, -v    the version

The settings of serve are environment variables: see docs/settings.md.
`;

export const RUN_HELP = `egress run - runs a command that can reach what you allow, and nothing else

Usage: egress run [OPTIONS] -- COMMAND [ARGUMENT...]
       egress run --clean

  --allow TARGET      allow a name, *.name, an address or a prefix; put commas between several
  --deny TARGET       deny one
  --preset NAME       take the rules of a preset: yours in ~/.config/egress/presets, or one of egress
  --secret NAME@HOST  allow HOST, and send it the secret in the variable NAME; the command sees a
                      placeholder. Put commas between hosts; NAME@HOST:HEADER sets that header
                      on each request
  --secret-command NAME@HOST=COMMAND
                      the same for what COMMAND prints
  --config FILE       take this policy file, YAML or JSON (--policy is the same). Without it, egress.yaml
                      or egress.json is taken from this folder or one above it, up to the root of the
                      repository or your home
  --no-config         take no such file
  --default ACTION    the default action, allow or deny (default: the file's, otherwise deny)
  --user USER         run the command as this user: a name, UID or UID:GID
                      (default: who called sudo, otherwise you)
  --dry-run           show the policy, and run nothing

  --audit             deny only what deny.always and the protections deny; at the end, print the rules
                      that the command needs
  --save FILE         with --audit: write them as a policy file, which must not exist yet
  --ports             with --audit: make rules for the ports that were tried
  --quiet, -q         print only what goes wrong
  --json              print JSON, an object a line
  --log FILE          append the sidecar's log to this file: each lookup and refused connection, as JSON
  --fail-on-deny      exit with 77 if something was denied and the command exits with 0

  --clean             undo what killed runs have left here; the next run does so, too
  --help, -h          this text

The first rule that matches decides: rules of the command line in the order written, then rules of the file.
A run needs nft, setpriv and unshare; and root, or pasta and a user namespace. It prints each denial on
standard error at once, and at the end the options that would allow what was denied.

  egress run --allow example.org -- curl -sS https://example.org/
  egress run --default allow --deny '*.example.org' -- curl -sS https://www.example.org/
  egress run --secret GITHUB_TOKEN@api.github.com -- gh repo list

The command runs in network, process and mount namespaces of its own, without the capabilities to undo that.
It has a /run and /dev of its own, so it cannot reach the machine's daemons. It shares your other files, and
may write to them as its user may: a run holds programs to a policy, it does not lock up an attacker who can
change your machine's files.

Exit: the command's own code, or 128 and the number of the signal that ended it; 126 if it cannot be executed,
127 if it is not found; 125 if egress run could not run it, or not to its end; 77 see --fail-on-deny.
`;

export const POLICY_HELP = `egress policy - reads or changes the policy of a running sidecar

Usage: egress policy get
       egress policy patch [--allow TARGET] [--deny TARGET] [--file FILE]
       egress policy replace [--default ACTION] [--allow TARGET] [--deny TARGET] [--file FILE]
       egress policy allow TARGET... [--method METHOD] [--path PATH]
       egress policy deny TARGET... [--method METHOD] [--path PATH]
       egress policy delete TARGET... [--method METHOD] [--path PATH] [--file FILE]
       egress policy reset

  get        show the policy and its entity tag
  patch      put rules before the policy's own, and remove its rules with the same targets
  allow      put rules first that allow these targets
  deny       put rules first that deny these targets
  replace    replace the policy
  delete     remove the rules with these targets
  reset      deny everything

  --allow TARGET      allow a name, *.name, an address or a prefix; may be repeated
  --deny TARGET       deny one; the first rule that matches decides, in the order written
  --method METHOD     only requests with this method, to a host of the credential vault; may be repeated
  --path PATH         only requests to this path; a final * stands for what follows; may be repeated
  --default ACTION    the default action, allow or deny
  --file, -f FILE     JSON: an array of rules, a policy, or an array of targets; - is standard input
  --dry-run           show what would change, and change nothing
  --if-match TAG      change only a policy with this entity tag, quotes included
  --json              print answers as JSON on standard output, errors as JSON on standard error

  --run               talk to the sidecar of the egress run that is under way on this machine
  --socket PATH       talk over the sidecar's unix socket, which needs no token
  --url URL           talk to this address, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       sign each call with this token, which is not sent

Without these the sidecar's own variables count: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (if others can list your processes, prefer that to --token).

  egress policy patch --allow example.org --deny '*.evil.example'
  egress policy allow api.example.org --method GET --path '/repos/*'

Exit: 0 done; 64 wrong command line; 65 refused as wrong input; 69 no answer; 75 --if-match does not hold;
77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

export const VAULT_HELP = `egress vault - reads or changes the credentials that a running sidecar puts into requests

Usage: egress vault get
       egress vault bind NAME --host HOST [--header NAME | --basic] [--method METHOD] [--path PATH] [WHERE]
       egress vault unbind NAME
       egress vault delete

  get        show what is bound, never a value
  bind       put a credential into requests to a host, or replace it; credential and binding get the name
  unbind     remove the credential and the binding of that name
  delete     delete the vault with all that it holds

  --host HOST         a name, or *.name for its subdomains; put commas between several, or repeat it
  --header NAME       send the value in this header (default: Authorization: Bearer)
  --basic             send Authorization: Basic; the value is the base64 of user:password
  --method METHOD     as --host (default: GET, POST, PUT, PATCH, DELETE)
  --path PATH         a path; a final * matches whatever follows; may be repeated (default: /*)

WHERE says where the value is. By default it is read from standard input, without a final line break:
  --env VARIABLE      a variable of the sidecar's own environment
  --file, -f PATH     a file of the sidecar
  -- COMMAND...       what this command prints; it runs as the sidecar does
  --refresh SECONDS   read the file, or run the command, again this often

  --json              print answers as JSON on standard output, errors as JSON on standard error
  --run               talk to the sidecar of the egress run that is under way on this machine
  --socket PATH       talk over the sidecar's unix socket, which needs no token
  --url URL           talk to this address, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       sign each call with this token, which is not sent

  gh auth token | egress vault bind github --host api.example.org
  egress vault bind models --host models.example.org --header x-api-key --file /run/secrets/models

A value crosses the network as it is: prefer the unix socket, or an address that only you can see.
Exit: as for egress policy; 75 if somebody else has changed the vault meanwhile.
`;

export const STATUS_HELP = `egress status - shows what a running sidecar has in force

Usage: egress status [OPTIONS]

It prints health, policy layers, protections, interfaces, upstreams, counts, and a page of learned addresses,
each with its names and the seconds that it has left.

  --limit N           show so many addresses, 0 to 1000 (default: 100)
  --after CURSOR      show the addresses after this cursor, with which the page before ends
  --json              print the answer as JSON on standard output, errors as JSON on standard error

  --run               talk to the sidecar of the egress run that is under way on this machine
  --socket PATH       talk over the sidecar's unix socket, which needs no token
  --url URL           talk to this address, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       sign the call with this token, which is not sent

Without these the sidecar's own variables count: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (if others can list your processes, prefer that to --token).

Exit: 0 it answered, in whatever health; 64 wrong command line; 65 refused as wrong input; 69 no answer;
77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

export const LOG_HELP = `egress log - shows what a running sidecar has decided, the latest last

Usage: egress log [OPTIONS]

It prints a line for each lookup and each refused connection: when, what was decided, about what, and by which
rule. At its end stand the addresses that a name was given, or why there are none.

  --follow, -f        follow: print decisions as they are made
  --denied            only what was denied, or would be (audit mode), and names that lost all addresses
  --name NAME         only a name, or the subdomains of one: '*.example.org'
  --address ADDRESS   only an address or a prefix
  --limit, -n N       the last N, 0 to 1000 (default: 100)
  --json              print each decision as a line of JSON on standard output, errors on standard error

  --socket PATH       talk over the sidecar's unix socket, which needs no token
  --url URL           talk to this address, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       sign the call with this token, which is not sent

Without these the sidecar's own variables count: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (if others can list your processes, prefer that to --token).
NO_COLOR switches colours off.

  egress log -f --denied
  egress log --name api.example.com --json

Exit: 0 there is such a decision; 1 there is none; 64 wrong command line; 65 refused as wrong input;
69 no answer; 77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

const PLACE_HELP = `  --socket PATH       talk over the sidecar's unix socket, which needs no token
  --url URL           talk to this address, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       sign the call with this token, which is not sent

Without these the sidecar's own variables count: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (if others can list your processes, prefer that to --token).
`;

export const EXPLAIN_HELP = `egress explain - says whether a name or an address can be reached, and why

Usage: egress explain TARGET[:PORT[/APP]] [OPTIONS]

It prints the rules that match, in their order, and which one decides; what the resolver answers; the
addresses in force and how long; whether the kernel lets a connection pass now; what the far end does with
open ones; and the smallest change of the policy that reverses the answer. It asks no upstream and changes
nothing. APP is what the connection speaks: tls, http, ssh or postgres.

  --protocol WORD     tcp, udp or icmp (default: tcp)
  --try               open a connection to the port, as a process of the sandbox would, and say what the
                      far end does
  --method WORD       say what becomes of such a request to a bound host (default: GET)
  --path PATH         its path as it is sent, without the query (default: /)
  --json              print the answer as JSON on standard output, errors as JSON on standard error

${PLACE_HELP}
  egress explain api.example.com:443 --try
  egress explain git.example.com:22/ssh
  egress explain api.example.com --method POST --path /repos/one
  egress explain '[2001:db8::7]:443' --protocol udp

Exit: 0 it is reached; 1 it is not; 64 wrong command line; 65 no such target; 69 no answer; 77 not allowed;
78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;

export const SUGGEST_HELP = `egress suggest - writes a policy for what the sandbox has tried

Usage: egress suggest [OPTIONS]

It prints, as JSON, the smallest policy that allows the names that were looked up and the addresses that were
tried without a name. It leaves out what a rule denies, and names that on standard error.
docs/observability.md describes audit mode.

  --wildcards         write one wildcard instead of several names below it
  --ports             write rules for the ports of refused and audited connections
  --json              print all that is known as JSON on standard output, errors on standard error

${PLACE_HELP}
  egress suggest > policy.json; egress policy replace --file policy.json

Exit: 0 done; 64 wrong command line; 69 no answer; 77 not allowed; 78 wrong setting;
74 the output cannot be written, 141 nobody reads it any more.
`;

export const TOP_HELP = `egress top - watches the decisions of a running sidecar, live, on the whole screen

Usage: egress top [OPTIONS]

It shows the targets with most denials first, and how many decisions came in each second of the last minute.
q or Ctrl-C ends it, and leaves the terminal as it was. If standard output is no terminal, it prints one
frame.

${PLACE_HELP}
Exit: 0 done; 64 wrong command line; 69 no answer; 77 not allowed; 78 wrong setting;
74 the output cannot be written, 141 nobody reads it any more.
`;

export const COMPLETION_HELP = `egress completion - prints a shell's script that completes commands and options

Usage: egress completion bash|zsh|fish

  bash    eval "$(egress completion bash)"           in ~/.bashrc
  zsh     eval "$(egress completion zsh)"            in ~/.zshrc, after compinit
  fish    egress completion fish | source            in ~/.config/fish/config.fish

Exit: 0 done; 64 wrong command line.
`;

export const DOCTOR_HELP = `egress doctor - tries attacks from inside the sandbox, and says what held

Usage: egress doctor [OPTIONS]

  --to ADDRESS    aim at an address of yours that the policy denies, to watch it there; once for IPv4,
                  once for IPv6
  --allowed NAME  show other names at the addresses of NAME, which the policy allows on port 443 or 80;
                  OPENSANDBOX_EGRESS_WIRE_NAMES=known and strict hold that, off does not
  --operator      this process is not the workload: ignore its capabilities and what it can open
  --json          print the report as JSON, with each attempt
  --help, -h      this text

Run it in the workload's container, in the sidecar's, or in the network namespace alone (nsenter -t PID -n).
It needs Node and nothing else, gives up capabilities that a workload does not have, takes some seconds, and
changes nothing. It sends packets to addresses that are reserved for documentation, and to port 53 and other
ports of the resolvers in /etc/resolv.conf, and to NAME.

  held        the doctor tried it, and something stopped it
  OPEN        something got out
  not tried   for the reason given

Rows are the numbers of docs/security/held.md. Where hosts are bound to secrets, it also says which tools here
trust the sandbox's certificates, and what makes the others do so.

Exit: 0 nothing got out; 1 something did; 64 wrong command line; 74 the output cannot be written,
141 nobody reads it any more.
`;
