#!/usr/bin/env bash
# same-bits.sh COUNT: prints what the measures of COUNT made-up inputs are in WASM, a line a case (server/tests/it/same_bits.rs).
#
# An example of the browser's half, so that nearly everything is built already where the site was.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cache/plumbline/bin:$HOME/.cargo/bin:$PATH"

target=${CARGO_TARGET_DIR:-target}
out=$target/same-bits
cargo build --quiet -p frontend --example same_bits --target wasm32-unknown-unknown --profile wasm-release >&2
wasm-bindgen --target nodejs --no-typescript --out-dir "$out" "$target/wasm32-unknown-unknown/wasm-release/examples/same_bits.wasm" >&2
exec node -e 'process.stdout.write(require(process.argv[1]).lines(Number(process.argv[2])))' "$(realpath "$out")/same_bits.js" "$1"
