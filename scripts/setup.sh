#!/usr/bin/env bash
# setup.sh run|test|prepare|conformance: installs what is missing for that, and is quick when nothing is.
#
# As root, or with sudo that asks nothing, packages come from apt-get; on macOS from brew. Otherwise one line says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:?setup.sh run|test|prepare|conformance}

tools=$HOME/.cache/plumbline/bin
export PATH="$tools:$HOME/.cargo/bin:$PATH"
# Must be what Cargo.lock says: the generated code and the library know each other's inside.
wasm_bindgen=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
sqlx_cli=0.9.0

say() { echo "==> $*"; }
stop() { echo "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root; fails without a word when that isn't possible here.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; elif has sudo && sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

# The server's half of PostgreSQL, which distributions keep out of PATH.
has_postgres() {
  [ -n "${PG_BIN_DIR:-}" ] && [ -x "$PG_BIN_DIR/initdb" ] && return
  has initdb && return
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
  compgen -G '/opt/homebrew/opt/postgresql@*/bin/initdb' >/dev/null && return
  compgen -G '/usr/local/opt/postgresql@*/bin/initdb' >/dev/null && return
  compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null
}
has_node() { has npm && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' 2>/dev/null; }
has_chromium() { has chromium || has chromium-browser || has google-chrome || [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ]; }

# What is missing, as names of Debian's packages and of brew's.
debian=() brew=()
need() { debian+=("$1"); if [ -n "${2:-}" ]; then brew+=("$2"); fi; }
has cc || need build-essential
has curl || need curl
# Without the authorities' certificates neither npm nor cargo can fetch anything; Debian's smallest installation has none.
! has apt-get || [ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates
has_node || need npm node
has_postgres || need postgresql postgresql@17
has brotli || need brotli brotli
if [ "$goal" = test ]; then
  has_chromium || need chromium --cask=chromium
  has chromedriver || need chromium-driver --cask=chromedriver
fi
if [ "$goal" = conformance ]; then
  python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv python
fi

install_packages() {
  if has brew; then
    [ "${#brew[@]}" -eq 0 ] || say "Installing with brew: ${brew[*]}"
    local package
    for package in "${brew[@]}"; do
      case $package in --cask=*) brew install --cask "${package#--cask=}" ;; *) brew install "$package" ;; esac
    done
  elif has apt-get && as_root true; then
    say "Installing with apt-get: ${debian[*]}"
    local log
    log=$(mktemp)
    # Debian would start a Postgres for everybody; we only want its programs. A cluster that exists is left as it is.
    if [[ " ${debian[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
      as_root mkdir -p /etc/postgresql-common
      echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${debian[@]}"; } >"$log" 2>&1 </dev/null; then
      tail -n 20 "$log" >&2
      stop "apt-get couldn't install ${debian[*]}: the reason is above."
    fi
    rm -f "$log"
  elif has apt-get; then
    stop "Please install what is missing, then try again: sudo apt-get install ${debian[*]}"
  else
    stop "Please install what is missing with your package manager, then try again (Debian's names): ${debian[*]}"
  fi
}
[ "${#debian[@]}" -eq 0 ] || install_packages
# An older Node.js that was there already isn't replaced by the package.
has_node || stop "Node.js 18 or later with npm is needed, and $(node --version 2>/dev/null || echo none) is here: install it from https://nodejs.org, then try again."

# Rust: rustup reads rust-toolchain.toml and fetches what it names.
has cargo || stop "Rust is missing: install rustup from https://rustup.rs, open a new shell, then try again."
if has rustup; then
  target_lib=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null || true)
  if [ ! -d "$target_lib" ] || ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    say "Installing Rust's parts named in rust-toolchain.toml"
    rustup toolchain install --no-self-update >/dev/null 2>&1 || rustup show >/dev/null
    rustup target add wasm32-unknown-unknown
    rustup component add rustfmt clippy
  fi
elif [ ! -d "$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)" ]; then
  stop "Rust's target wasm32-unknown-unknown is missing: install rustup from https://rustup.rs, then try again."
fi

# Programs of Rust, into a folder that outlives target/. Without --locked, which pins versions that no longer build.
cargo_install() { # NAME VERSION OPTIONS...
  local name=$1 version=$2
  shift 2
  say "Building $name $version (once; some minutes)"
  mkdir -p "$tools"
  cargo install "$name" --version "$version" --root "$(dirname "$tools")" "$@"
}
[ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $wasm_bindgen" ] ||
  cargo_install wasm-bindgen-cli "$wasm_bindgen" --bin wasm-bindgen --force
if [ "$goal" = prepare ]; then
  [ "$(sqlx --version 2>/dev/null)" = "sqlx-cli $sqlx_cli" ] ||
    cargo_install sqlx-cli "$sqlx_cli" --no-default-features --features postgres,rustls --force
fi

# npm's packages, when the lock file is newer than what is installed.
if ! cmp -s frontend/package-lock.json frontend/node_modules/.plumbline-lock; then
  say "Installing npm's packages"
  (cd frontend && npm ci --no-audit --no-fund --loglevel=error --ignore-scripts)
  cp frontend/package-lock.json frontend/node_modules/.plumbline-lock
fi
