#!/bin/sh
# The quick start in the README is the example, word for word; the example is built and run as a test.
# Usage: readme.sh <README.md> <quick_start.cpp>
set -eu
awk '/^```/ { if (inside) exit; inside = ($0 == "```cpp"); next } inside' "$1" | diff -u - "$2" ||
  { echo "the first cpp block of $1 differs from $2" >&2; exit 1; }
