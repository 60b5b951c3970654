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
