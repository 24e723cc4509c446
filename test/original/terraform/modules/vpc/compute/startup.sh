#!/bin/bash
# Runs at every boot; k0s is installed at the first one.
set -e
if [ ! -x /usr/local/bin/k0s ]; then
  ${k0s_install}
  k0s install controller --single
  k0s start
fi
