#!/usr/bin/env bash
# Writes .sqlx/ from the schema that migrations and the warehouse's contract make in DATABASE_URL (a throw-away one).
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=false
sqlx migrate run --source migrations
# The models' tables don't exist after the migrations: the contract declares what Rust reads of them.
psql -q -v ON_ERROR_STOP=1 "$DATABASE_URL" -f server/warehouse/contract.sql
cargo sqlx prepare --workspace -- --all-targets
