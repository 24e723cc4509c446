#!/bin/sh
# Prints the registry's user name and password: a short-lived token of the VM's service account, so that no key is stored.
set -eu

answer=$(wget -q -O - --header 'Metadata-Flavor: Google' \
  http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token)
token=$(printf '%s' "$answer" | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')

[ -n "$token" ] || {
  echo 'the metadata server gave no access token' >&2
  exit 1
}
printf 'oauth2accesstoken:%s\n' "$token"
