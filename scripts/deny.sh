#!/usr/bin/env bash
# Licenses, sources and bans of deny.toml, where cargo-deny is installed. It works offline, so advisories aren't asked for.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v cargo-deny >/dev/null 2>&1; then
  echo "==> cargo deny isn't installed: skipped (cargo install cargo-deny)"
  exit 0
fi
echo "==> Licenses, sources and bans"
cargo deny --offline --log-level error check licenses bans sources
