#!/bin/sh
# A machine's process 1. It is a shell because process 1 has to reap orphans, and Node waits only for its own children.
# SIGTERM is the power button; when init ends, so does the machine.

checkout=/usr/local/lab/checkout
# Only the first boot in a checkout has to compile.
if [ -z "$(ls "$NODE_COMPILE_CACHE")" ]; then
  set -- lab/machine/guest/init.ts lab/machine/k0s/cli.ts lab/machine/node-agent/main.ts lab/delivery/image-updater/main.ts
  (cd "$checkout" && /usr/local/lab/node lab/lifecycle/compile.ts "$@" 3>&-) || true
fi

/usr/local/lab/node "$checkout/lab/machine/guest/init.ts" 3>&- &
init=$!
trap 'kill -TERM "$init"' TERM

echo running >&3
exec 3>&-
# A trapped signal ends `wait` early.
while kill -0 "$init" 2>/dev/null; do
  wait "$init"
done
