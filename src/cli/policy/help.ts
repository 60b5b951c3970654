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
