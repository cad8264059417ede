#!/usr/bin/env bash
# Builds the browser's half into target/site: pages' code (WASM), style, charts, icons, each precompressed.
#
# Each step runs only when what it reads has changed since it last succeeded. SITE_ROOT names another folder.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cache/plumbline/bin:$HOME/.cargo/bin:$PATH"

site=${SITE_ROOT:-target/site}
pkg=$site/pkg
stamps=$site.stamps
npm=$PWD/frontend/node_modules
wasm=${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/wasm-release/frontend.wasm
mkdir -p "$pkg" "$stamps"

digest() { # FILES AND FOLDERS...: of names and contents
  find "$@" -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum
}

# step NAME "INPUTS..." FUNCTION: runs FUNCTION unless INPUTS and this script are as they were. The lock file stands for npm's tools.
step() {
  local name=$1 inputs=$2 run=$3 now
  # shellcheck disable=SC2086 # a list of paths without spaces
  now=$(digest $inputs frontend/package-lock.json scripts/build-site.sh)
  if [ "$(cat "$stamps/$name" 2>/dev/null)" != "$now" ]; then
    rm -f "$stamps/$name"
    "$run"
    echo "$now" >"$stamps/$name"
  fi
}

# The page asks for plumbline.js and plumbline_bg.wasm: the names that wasm-bindgen gives, and that Leptos asks for in a server
# built without LEPTOS_OUTPUT_NAME, so that plain `cargo build` and `make` agree.
code() {
  local out=$stamps/bindgen
  rm -rf "$out"
  scripts/step.sh "Binding the pages' code" wasm-bindgen --target web --no-typescript --out-dir "$out" --out-name plumbline "$wasm"
  scripts/step.sh "Shrinking it" "$npm/.bin/wasm-opt" -Oz \
    --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
    --enable-reference-types --enable-multivalue "$out/plumbline_bg.wasm" -o "$out/shrunk.wasm"
  "$npm/.bin/esbuild" "$out/plumbline.js" --bundle --format=esm --minify --target=es2022 --log-level=warning --outfile="$pkg/plumbline.js"
  cp "$out/shrunk.wasm" "$pkg/plumbline_bg.wasm"
  rm -rf "$out"
}

# The font is named by its path on the site.
style() {
  "$npm/.bin/esbuild" style/main.css --bundle --minify --target=chrome111,firefox113,safari16.4 --log-level=warning \
    --external:'/fonts/*' --outfile="$pkg/plumbline.css"
}

# The page preloads the font by this name.
font() {
  mkdir -p "$site/fonts"
  cp "$npm/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2" "$site/fonts/inter.woff2"
}

# Two bundles: the small glue comes with every page, ECharts after the first paint where a page draws.
charts() {
  "$npm/.bin/esbuild" frontend/js/charts.js frontend/js/echarts.js --bundle --splitting --minify --format=esm --target=es2022 \
    --log-level=warning --legal-comments=none --outdir="$pkg"
}

icons() {
  (cd public && find . -type f -print0) | while IFS= read -r -d '' file; do
    mkdir -p "$site/$(dirname "$file")"
    cp "public/$file" "$site/$file"
  done
}

# Served as they are to browsers that take them; the server never compresses what doesn't change.
compress() {
  find "$site" -type f \( -name '*.js' -o -name '*.css' -o -name '*.wasm' -o -name '*.svg' -o -name '*.json' -o -name '*.webmanifest' \) -print0 |
    while IFS= read -r -d '' file; do
      [ "$file.br" -nt "$file" ] && [ "$file.gz" -nt "$file" ] && continue
      brotli --best --force --keep --output="$file.br" "$file"
      gzip -9 --keep --force --no-name "$file"
      touch "$file.br" "$file.gz"
    done
}

SQLX_OFFLINE=true scripts/step.sh "Building the pages' code (the first time takes some minutes)" \
  cargo build --quiet -p frontend --target wasm32-unknown-unknown --profile wasm-release
step code "$wasm" code
step style style style
step font frontend/package.json font
step charts frontend/js charts
if [ -d public ]; then step icons public icons; fi
compress
