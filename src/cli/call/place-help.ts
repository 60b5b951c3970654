/** How a command finds the sidecar that it talks to, for help texts. */
export const PLACE_HELP = `  --socket PATH       talk over the sidecar's unix socket, which needs no token
  --url URL           talk to this address, such as http://192.0.2.2:18080; the path of a proxy may follow
  --token TOKEN       sign the call with this token, which is not sent

Without these the sidecar's own variables count: OPENSANDBOX_EGRESS_SOCKET, OPENSANDBOX_EGRESS_HTTP_ADDR and
OPENSANDBOX_EGRESS_TOKEN (if others can list your processes, prefer that to --token).
`;
