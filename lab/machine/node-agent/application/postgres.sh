#!/bin/sh
# Does what the image's entrypoint does, with the distribution's server: creates a cluster where there is none, then replaces
# itself by the server. Arguments are the server's. The password comes from the environment and is passed on through a pipe.
set -eu
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
    exit 1
  fi
  # Created under another name, so that an interrupted attempt is not taken for a cluster.
  rm -rf "$PGDATA.new"
  printf '%s\n' "$POSTGRES_PASSWORD" | initdb --pgdata="$PGDATA.new" --username="$user" --pwfile=/dev/stdin \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --wal-segsize=1
  echo 'host all all all scram-sha-256' >>"$PGDATA.new/pg_hba.conf"
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "$database" | postgres --single -j -D "$PGDATA.new" postgres
  fi
  [ ! -d "$PGDATA" ] || rmdir "$PGDATA"
  mv "$PGDATA.new" "$PGDATA"
fi

# Small, because the rest of the lab shares the machine.
exec postgres -D "$PGDATA" -c listen_addresses="$POD_IP" -c unix_socket_directories=/var/run/postgresql \
  -c shared_buffers=16MB -c max_connections=40 -c min_wal_size=2MB -c max_wal_size=32MB "$@"
