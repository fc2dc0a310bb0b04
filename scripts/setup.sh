#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that the build and the tests need; does nothing when they are there.
# Usage: scripts/setup.sh [PACKAGE …]   (further ones, e.g. what `make bench` draws with)
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config git ca-certificates
  libfmt-dev libcli11-dev nlohmann-json3-dev libsentencepiece-dev libicu-dev libpcre2-dev
  libcurl4-openssl-dev libssl-dev libzip-dev zlib1g-dev libzstd-dev libxxhash-dev libxml2-dev
  libsimdjson-dev libcld2-dev libtomlplusplus-dev libgtest-dev libgmock-dev
  python3 python3-venv python3-pip python3-jieba
  "$@"
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: root or sudo is needed to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
