#!/bin/sh
# Every function of the header is called by a test.
# Usage: every_function.sh <controlplane.h> <directory of the tests>
set -eu
missing=0
for function in $(grep -oE '\bcp_[a-z_]+\(' "$1" | tr -d '(' | sort -u); do
  # cp_…_init() is called through a macro that joins the name.
  type=$(echo "$function" | sed -n 's/^cp_\(.*\)_init$/\1/p')
  if ! grep -qE "\b$function\(|SAME_DEFAULTS\(${type:-none}," "$2"/*_test.c "$2"/plane.h "$2"/check.h; then
    echo "no test calls $function" >&2
    missing=1
  fi
done
exit $missing
