#!/bin/sh
# Every installed header compiles alone, twice, without a warning, and includes only the standard
# library and its installed neighbours.
# Usage: public_headers.sh <compiler> <include directory>
set -eu
compiler=$1
include=$2
cd "$include/controlplane"

# A standard header has neither a directory nor a suffix in its name.
if grep -nE '^ *# *include' ./*.hpp |
  grep -vE 'include +(<[a-z_0-9]+>|[<"]controlplane/[a-z_]+\.hpp[>"])'; then
  echo "these includes are neither the standard library's nor ours" >&2
  exit 1
fi

for header in *.hpp; do
  printf '#include <controlplane/%s>\n#include <controlplane/%s>\n' "$header" "$header" |
    "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
      -I "$include" -fsyntax-only -x c++ - ||
    { echo "$header does not compile alone" >&2; exit 1; }
done
