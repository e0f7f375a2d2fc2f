#!/usr/bin/env bash
# Make the lock files anew from pyproject.toml: one a set, with hashes, each consistent with base. Needs uv on PATH.
# Usage: config/requirements/lock.sh            (run it after a change of dependencies; commit what it writes)
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
compile() {
  uv pip compile --quiet --generate-hashes --universal --python-version 3.12 --no-emit-index-url --no-annotate \
    --prerelease=if-necessary-or-explicit --custom-compile-command config/requirements/lock.sh "$@"
}
compile ../../pyproject.toml -o base.lock
for set in cad dxf fbx robots bim augment panel dev; do
  compile ../../pyproject.toml --extra "$set" -c base.lock -o "$set.lock"
done
# Its packages one by one: what one of them depends on (PyTorch) is not used.
compile ../../pyproject.toml --extra words --no-deps -c base.lock -o words.lock
echo uv | compile - -o uv.lock
mkdir -p kit
printf 'omniverse-kit>=110,<111\nusd-core==25.11\n' | compile - -o kit/kit.lock
printf 'omniverse-kit>=109.0.8,<110\nusd-core==25.11\n' | compile - -o kit/kit-109.lock
