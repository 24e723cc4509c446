#!/bin/sh
# A machine's process 1. A shell, because whoever is process 1 has to reap orphans and Node waits only for its own children.
# SIGTERM is the power button; when init ends, so does the machine.

lab=/usr/local/lab/checkout/lab
# Only the first machine of a checkout has to.
if [ -z "$(ls "$NODE_COMPILE_CACHE")" ]; then
  set -- machine/guest/init.ts machine/k0s/cli.ts machine/node-agent/main.ts delivery/image-updater/main.ts
  (cd "$lab" && /usr/local/lab/node compile.ts "$@" 3>&-) || true
fi

/usr/local/lab/node "$lab/machine/guest/init.ts" 3>&- &
init=$!
trap 'kill -TERM "$init"' TERM

echo running >&3
exec 3>&-
# A trapped signal ends `wait` early.
while kill -0 "$init" 2>/dev/null; do
  wait "$init"
done
