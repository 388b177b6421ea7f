#!/bin/sh
# A quick start in the README is an example, word for word; the example is built and run as a test.
# Usage: readme.sh <README.md> <language of the block> <source of the example>
set -eu
awk -v fence="\`\`\`$2" '/^```/ { if (inside) exit; inside = ($0 == fence); next } inside' "$1" |
  diff -u - "$3" ||
  { echo "the first $2 block of $1 differs from $3" >&2; exit 1; }
