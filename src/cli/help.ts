/** Help on the program. Each command has its own beside it, which no start of the sidecar loads. */
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
