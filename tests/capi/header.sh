#!/bin/sh
# The header compiles alone and twice, as C and as C++, without a warning, and includes nothing but
# two headers of C99. What FFI and static initializers need works in both languages.
# Usage: header.sh <C compiler> <C++ compiler> <include directory>
set -eu
c=$1
cxx=$2
include=$3

if grep -nE '^ *# *include' "$include/controlplane.h" | grep -vE '<(stddef|stdint)\.h>'; then
  echo "controlplane.h includes more than it may" >&2
  exit 1
fi

source() {
  printf '#include <controlplane.h>\n#include <controlplane.h>\n'
  grep -oE '^#define CP_[A-Z_]+_INIT' "$include/controlplane.h" | while read -r _ macro; do
    type=$(echo "${macro%_INIT}" | tr 'A-Z' 'a-z')
    printf 'extern const %s static_%s;\nconst %s static_%s = %s;\n' "$type" "$type" "$type" "$type" "$macro"
  done
}

warnings='-Wall -Wextra -pedantic -Wshadow -Wconversion -Werror'
for standard in c99 c11 c17; do
  # Unquoted: one word per warning.
  source | "$c" -std=$standard $warnings -Wstrict-prototypes -Wc++-compat -I "$include" -fsyntax-only -x c -
done
for standard in c++11 c++20; do
  source | "$cxx" -std=$standard $warnings -I "$include" -fsyntax-only -x c++ -
done
