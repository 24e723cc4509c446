#!/bin/sh
# A machine's process 1. A shell, because whoever is process 1 has to reap orphans and Node waits only for its own children.
# SIGTERM is the power button; when init ends, so does the machine.

/usr/local/lab/node /usr/local/lab/checkout/lab/machine/guest/init.ts 3>&- &
init=$!
trap 'kill -TERM "$init"' TERM

echo running >&3
exec 3>&-
# A trapped signal ends `wait` early.
while kill -0 "$init" 2>/dev/null; do
  wait "$init"
done
