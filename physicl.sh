#!/usr/bin/env bash
# physicl_twin: set-up and every command. The first call makes .venv beside this file; later calls only run the verb.
#   ./physicl.sh build|inspect|validate|doctor|test …     run a verb (./physicl.sh --help lists them)
#   ./physicl.sh panel [SOURCE …]                         open the panel without Isaac Sim
#   ./physicl.sh install cad|dxf|fbx|robots|bim|augment|panel|words|dev|kit|all     add an optional set of packages (kit: for tests/kit only)
set -euo pipefail

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)"
venv="$here/.venv"
locks="$here/config/requirements"
say() { printf 'physicl: %s\n' "$*" >&2; }
die() { printf 'physicl: %s\n' "$*" >&2; exit 1; }

is_312() { [ -n "${1:-}" ] && "$1" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' >/dev/null 2>&1; }

find_python() {
  local candidate
  if [ -n "${PHYSICL_PYTHON:-}" ]; then
    is_312 "$PHYSICL_PYTHON" || die "PHYSICL_PYTHON is not a Python 3.12: $PHYSICL_PYTHON"
    printf '%s' "$PHYSICL_PYTHON"; return
  fi
  for candidate in python3.12 python3 python; do
    candidate="$(command -v "$candidate" || true)"
    if is_312 "$candidate"; then printf '%s' "$candidate"; return; fi
  done
  for candidate in "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}"/versions/3.12*/bin/python; do
    if is_312 "$candidate"; then printf '%s' "$candidate"; return; fi
  done
  if command -v uv >/dev/null 2>&1; then
    candidate="$(uv python find --no-project 3.12 2>/dev/null || true)"
    if is_312 "$candidate"; then printf '%s' "$candidate"; return; fi
    say "getting Python 3.12 with uv"
    uv python install 3.12 >&2 && candidate="$(uv python find --no-project 3.12)" && is_312 "$candidate" && printf '%s' "$candidate" && return
  fi
  die "no Python 3.12 found. Install one, or set PHYSICL_PYTHON to it, or install uv (it gets one by itself)."
}

# A lock file is complete, so that nothing else is installed (--no-deps).
# A set is installed when the copy of its lock file kept in the environment equals the shipped one.
is_installed() { cmp -s "$locks/$1.lock" "$venv/.physicl/$1.lock"; }

# The Kit kernel and ovui overwrite each other's files, so each kernel of tests/kit has an environment of its own: .venv-kit is
# that of Isaac Sim 6.2, .venv-kit-109 the one before.
install_kit() {
  local name kit
  for name in kit kit-109; do
    kit="$here/.venv-$name"
    cmp -s "$locks/kit/$name.lock" "$kit/kit.lock" && continue
    say "making .venv-$name with a Kit kernel (for tests/kit)"
    "$venv/bin/python" -m venv --clear "$kit"
    "$kit/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$locks/kit/$name.lock" >&2 ||
      die "the Kit kernel could not be installed."
    cp "$locks/kit/$name.lock" "$kit/kit.lock"
  done
}

install_set() {
  local set="$1" tool
  if [ "$set" = kit ]; then install_kit; return; fi
  [ -f "$locks/$set.lock" ] || die "there is no set '$set'. Sets: $(cd "$locks" && printf '%s ' *.lock | sed 's/\.lock//g')"
  is_installed "$set" && return 0
  say "installing the packages of '$set'"
  if command -v uv >/dev/null 2>&1; then tool=uv; else
    tool="$venv/bin/uv"
    [ -x "$tool" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$locks/uv.lock" >&2 || tool=""
  fi
  if [ -z "$tool" ] || ! "$tool" pip install --quiet --python "$venv/bin/python" --no-deps --require-hashes -r "$locks/$set.lock" >&2; then
    say "uv could not do it; trying pip"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$locks/$set.lock" >&2 ||
      die "the packages of '$set' could not be installed. Is this machine offline? Once installed, no network is needed."
  fi
  mkdir -p "$venv/.physicl"
  cp "$locks/$set.lock" "$venv/.physicl/$set.lock"
}

set_up() {
  exec 9>"$here/.venv.lock"
  if command -v flock >/dev/null 2>&1; then flock 9; fi   # two first calls at once: the second waits
  if [ ! -x "$venv/bin/python" ]; then
    local python; python="$(find_python)"
    say "making .venv with $("$python" --version 2>&1)"
    "$python" -m venv "$venv"
  fi
  local set; for set in "$@"; do install_set "$set"; done
  exec 9>&-
}

needed=(base)
case "${1:-}" in
  install)
    shift
    [ $# -gt 0 ] || die "install what? Sets: cad dxf fbx robots bim augment panel words dev kit all"
    for set in "$@"; do if [ "$set" = all ]; then needed+=(cad dxf fbx robots bim augment panel dev); else needed+=("$set"); fi; done
    set_up "${needed[@]}"; exit 0 ;;
  panel) needed+=(panel) ;;
  test) needed+=(cad dxf fbx robots bim augment panel dev) ;;
esac
for set in "${needed[@]}"; do
  if ! is_installed "$set"; then set_up "${needed[@]}"; break; fi
done
export PHYSICL_HOME="$here"
# Compiled modules are kept inside .venv, where they litter no checkout, whatever the caller's shell says about them:
# compiling the libraries anew at each start costs a worker five seconds.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX="$venv/.pycache"
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
exec "$venv/bin/python" -m physicl_twin.cli "$@"
