#!/bin/sh
# As the platform's: it waits for the certificate of a sidecar that intercepts, starts the daemon, then the
# user's command.
if [ "${OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT:-}" = true ]; then
  until [ -s /opt/opensandbox/mitmproxy-ca-cert.pem ]; do sleep 1; done
fi
/opt/opensandbox/execd &
exec "$@"
