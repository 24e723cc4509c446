#!/bin/sh
# What the image's entrypoint does, with the distribution's server: a new cluster where there is none, then the server in this
# process's place. Arguments are the server's. The password comes by the environment and goes on by a pipe.
set -eu
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
    exit 1
  fi
  # Made beside its place: what was killed half-way must not pass for a cluster.
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

# Small, as the machine is shared with all the rest of the lab.
exec postgres -D "$PGDATA" -c listen_addresses="$POD_IP" -c unix_socket_directories=/var/run/postgresql \
  -c shared_buffers=16MB -c max_connections=40 -c min_wal_size=2MB -c max_wal_size=32MB "$@"
