#!/bin/sh
# As the platform's: the daemon first, then the user's command.
/opt/opensandbox/execd &
exec "$@"
