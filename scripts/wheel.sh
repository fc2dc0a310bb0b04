# A wheel whose C++ libraries and headers we build with, in a virtual environment; to be sourced from the repository's root:
# `. scripts/wheel.sh`.

# install_wheel SPEC VENV [PIP OPTION …]: does nothing when that very SPEC is there. LONGSCROLL_PIP_INDEX names another index.
install_wheel() {
  local spec=$1 venv=$2
  shift 2
  if [ -f "$venv/installed" ] && [ "$(cat "$venv/installed")" = "$spec" ]; then
    return
  fi
  echo "installing $spec into $venv" >&2
  python3 -m venv "$venv"
  local index=()
  [ -n "${LONGSCROLL_PIP_INDEX:-}" ] && index=(--index-url "$LONGSCROLL_PIP_INDEX")
  "$venv/bin/pip" install --quiet "$@" "${index[@]}" "$spec"
  echo "$spec" > "$venv/installed"
}

# take_folder VARIABLE FILE: whether VARIABLE names a folder, which must then hold FILE.
take_folder() {
  local folder=${!1:-}
  [ -n "$folder" ] || return 1
  [ -f "$folder/$2" ] || {
    echo "$1 must be the folder that holds $2, is $folder" >&2
    exit 1
  }
}
