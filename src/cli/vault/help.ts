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
  --method METHOD     as --host, or '*' for any (default: GET, POST, PUT, PATCH, DELETE)
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
