# What the demos have in common; to be sourced from the repository's root: `. scripts/demo_steps.sh`.

step() { printf '\n== %s\n' "$*" >&2; }

# Shows a command as it can be typed again, then runs it.
run() {
  printf '$' >&2
  local word
  for word in "$@"; do
    if [[ "$word" =~ ^[A-Za-z0-9_./:=+-]+$ ]]; then printf ' %s' "$word" >&2; else printf " %s" "${word@Q}" >&2; fi
  done
  printf '\n' >&2
  "$@"
}

# build_and_pull STEPS MODEL: the first three of so many steps.
build_and_pull() {
  step "1 of $1: packages that the build needs"
  run scripts/setup.sh
  step "2 of $1: the program"
  run make --no-print-directory build
  step "3 of $1: the model, $2"
  run build/release/bin/longscroll pull "$2"
}
