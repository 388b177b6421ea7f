#!/usr/bin/env bash
# Builds the Python package into environments of its own and tests it there. What is there already and made of
# the same sources is not made again.
#
#   run.sh interpreters            those this machine has, one per minor version from 3.10 on
#   run.sh core                    the library, once for all of them
#   run.sh environment <python>    all that a test needs, but the test; run.sh where <python> tells its place
#   run.sh test <python> [args]    the tests with that interpreter; args are pytest's
#   run.sh package <python>        sdist → wheel → a clean environment, as a user would
#
# Everything is under $ARAGORA_CP_PYTHON_BUILD, by default build/python.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${ARAGORA_CP_PYTHON_BUILD:-$root/build/python}
jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
readonly build_requirements='pip>=23.1 scikit-build-core>=0.10 pybind11>=3.0,<4'
readonly test_requirements='pytest>=8 mypy>=1.8 typer>=0.12 rich>=13 typing-extensions'

readonly describe='
import os, sys, sysconfig, venv
if sys.version_info >= (3, 10) and os.path.exists(sysconfig.get_path("include") + "/Python.h"):
    print("3.%d" % sys.version_info[1], sys.executable)'

interpreters() {
  local python found minor
  declare -A seen=()
  for python in $(compgen -c python3. | grep -E '^python3\.[0-9]+$' | sort -uV) \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3.[0-9]*; do
    found=$("$python" -c "$describe" 2>/dev/null) || continue
    minor=${found%% *}
    if [[ -n $found && -z ${seen[$minor]:-} ]]; then
      seen[$minor]=1
      echo "${found#* }"
    fi
  done
}

# The digest of what the environments are made of.
digest() {
  (cd "$root" && find "$@" -type f ! -name '*.pyc' ! -name '*.so' -print0 | sort -z |
    xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

# unless_same <stamp file> <digest> <command...>
unless_same() {
  local stamp=$1 now=$2
  shift 2
  if [[ -f $stamp && $(<"$stamp") == "$now" ]]; then return; fi
  rm -f "$stamp"
  "$@"
  echo "$now" >"$stamp"
}

quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm "$log"
    return 1
  fi
  rm "$log"
}

environment_of() {
  "$1" -c 'import sys; print("venv-3.%d" % sys.version_info[1])'
}

core() {
  local what
  what=$(digest lib include cmake CMakeLists.txt)
  mkdir -p "$build"
  unless_same "$build/core.stamp" "$what" build_core
}

build_core() {
  quietly cmake -S "$root" -B "$build/core" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_UNITY_BUILD=ON -DCONTROLPLANE_TESTS=OFF \
    -DCONTROLPLANE_EXAMPLES=OFF -DCONTROLPLANE_CAPI=OFF \
    -DCMAKE_INSTALL_PREFIX="$build/prefix"
  quietly cmake --build "$build/core" --target install -j "$jobs"
}

make_environment() {
  rm -rf "$2"
  "$1" -m venv "$2"
  # Unquoted: one word per requirement. uvloop is worth having, and not for every interpreter there.
  quietly "$2/bin/python" -m pip install $build_requirements $test_requirements
  quietly "$2/bin/python" -m pip install uvloop || echo "no uvloop for $1"
}

install_package() {
  quietly "$1/bin/python" -m pip install --no-deps --no-build-isolation --force-reinstall "$root" \
    -Cbuild-dir="$build/module-$(basename "$1")" -Ccmake.define.ARAGORA_CP_INSTALLED_CORE=ON \
    -Ccmake.define.ARAGORA_CP_STRICT=ON -Ccmake.define.controlplane_ROOT="$build/prefix"
}

environment() {
  local python=$1 venv
  venv=$build/$(environment_of "$python")
  core
  unless_same "$venv.stamp" "$build_requirements $test_requirements $python" \
    make_environment "$python" "$venv"
  unless_same "$venv.package.stamp" "$(cat "$venv.stamp" "$build/core.stamp" | sha256sum)$(
    digest bindings/python pyproject.toml README.md LICENSE
  )" install_package "$venv"
}

test_with() {
  local python=$1
  shift
  environment "$python"
  cd "$root"
  exec "$build/$(environment_of "$python")/bin/python" -m pytest -p no:cacheprovider -q tests/python "$@"
}

package() {
  local what
  what=$(digest lib include cmake bindings/python CMakeLists.txt pyproject.toml README.md LICENSE)
  unless_same "$build/package.stamp" "$what" build_package "$1"
}

build_package() {
  local dist=$build/dist venv=$build/venv-package
  rm -rf "$dist" "$venv"
  "$1" -m venv "$venv"
  quietly "$venv/bin/python" -m pip install build
  CMAKE_BUILD_PARALLEL_LEVEL=$jobs quietly "$venv/bin/python" -m build --outdir "$dist" "$root"
  quietly "$venv/bin/python" -m pip install "$dist"/*.whl
  cd "$build"
  "$venv/bin/aragora-cp" version
}

command=${1:?interpreters, core, environment, where, test or package}
shift
case $command in
  interpreters) interpreters ;;
  core) core ;;
  environment) environment "$@" ;;
  where) echo "$build/$(environment_of "$1")" ;;
  test) test_with "$@" ;;
  package) package "$@" ;;
  *) echo "run.sh: $command is not known" >&2 && exit 2 ;;
esac
