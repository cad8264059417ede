#!/usr/bin/env bash
# with-postgres.sh COMMAND...: runs it with DATABASE_URL of a throw-away Postgres, which is gone afterwards.
#
# It listens on a unix socket and a free port of loopback; durability is off, because nothing in it outlives the command.
set -euo pipefail

bin=${PG_BIN_DIR:-}
if [ -z "$bin" ]; then
  candidates=$(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V -r || true)
  for folder in $candidates "$(dirname "$(command -v initdb || echo /none/initdb)")"; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then bin=$folder; break; fi
  done
fi
[ -x "$bin/initdb" ] || { echo "PostgreSQL's initdb wasn't found: run scripts/setup.sh test, or set PG_BIN_DIR." >&2; exit 1; }

folder=$(mktemp -d /tmp/plumbline-pg.XXXXXX)
as=()
if [ "$(id -u)" -eq 0 ]; then # Postgres refuses to run as root
  account=postgres
  id postgres >/dev/null 2>&1 || account=nobody
  chown "$account" "$folder"
  as=(setpriv "--reuid=$account" "--regid=$(id -g "$account")" --clear-groups)
fi

pid=
stop() {
  trap - EXIT INT TERM
  if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd /
env -i PATH="$PATH" LC_ALL=C ${as[@]+"${as[@]}"} "$bin/initdb" -D "$folder/data" -U plumbline -E UTF8 --locale=C --auth=trust --no-sync >"$folder.log" 2>&1 ||
  { cat "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
cd "$OLDPWD"

# A free port: asked for, and taken by Postgres a moment later. When another was quicker, the next is tried.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  port=$((20000 + RANDOM % 20000))
  # A Ctrl-C is for the command; we stop Postgres ourselves.
  (cd / && trap '' INT && exec env -i PATH="$PATH" LC_ALL=C ${as[@]+"${as[@]}"} "$bin/postgres" -D "$folder/data" -k "$folder" -p "$port" \
    -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 \
    -c shared_buffers=256MB -c jit=off -c autovacuum=off >"$folder/log" 2>&1) &
  pid=$!
  for _ in $(seq 100); do
    "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U plumbline && break 2
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  wait "$pid" 2>/dev/null || true
  pid=
done
[ -n "$pid" ] || { cat "$folder/log" >&2; echo "The throw-away Postgres doesn't start; its reason is above." >&2; exit 1; }

"$bin/createdb" -h 127.0.0.1 -p "$port" -U plumbline plumbline
export DATABASE_URL="postgres://plumbline@127.0.0.1:$port/plumbline"
"$@"
