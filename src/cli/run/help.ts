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
