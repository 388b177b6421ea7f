#!/bin/sh
# The exported functions, the constants and the layout of every struct are those of abi.txt, which was
# written for the version it names. Who changes one of them raises CP_ABI_REVISION (only added) or
# CP_ABI_VERSION (anything else), and then has the list written anew: abi.sh --write ...
# Usage: abi.sh [--write] <C compiler> <include directory> <library> <abi.txt>
set -eu
write=false
if [ "$1" = --write ]; then
  write=true
  shift
fi
c=$1
header=$2/controlplane.h
library=$3
list=$4
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# A C program that prints what the compiler makes of the header. Structs are read from the header's
# text, whose style is: one declaration a line, the name last, several after a comma.
program() {
  printf '#include <stddef.h>\n#include <stdio.h>\n#include <controlplane.h>\n'
  printf 'int main(void) {\n  printf("abi %%d.%%d\\n", CP_ABI_VERSION, CP_ABI_REVISION);\n'
  grep -oE '^#define CP_[A-Z_0-9]+ [(0-9U-]' "$header" | awk '{ print $2 }' |
    grep -vE '^CP_ABI_(VERSION|REVISION)$' |
    while read -r name; do
      printf '  printf("constant %s %%lld\\n", (long long)%s);\n' "$name" "$name"
    done
  # Comments go first: they may hold anything. Both branches of its #ifdef stay, which is warned of.
  "$c" -fpreprocessed -dD -E -P "$header" 2>/dev/null | tr '\n' ' ' | sed 's/;/;\n/g; s/{/{\n/g; s/}/\n}/g' | awk '
    /struct cp_[a-z_]+ *{/ {
      match($0, /struct cp_[a-z_]+ *{/)
      split(substr($0, RSTART, RLENGTH), word, " ")
      name = word[2]; sub(/{/, "", name); fields = 0; inside = 1; next
    }
    inside && /^ *}/ {
      inside = 0
      printf "  printf(\"struct %s size %%zu\\n\", sizeof(%s));\n", name, name
      for (i = 1; i <= fields; ++i) {
        printf "  printf(\"  %s at %%zu size %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n",
          field[i], name, field[i], name, field[i]
      }
      # Padding at the end would become a field later, with whatever an older caller left in it.
      printf "  if (offsetof(%s, %s) + sizeof(((%s *)0)->%s) != sizeof(%s)) {\n", name, field[fields],
        name, field[fields], name
      printf "    fprintf(stderr, \"%s ends in padding\\n\");\n    return 1;\n  }\n", name
      next
    }
    inside {
      count = split($0, part, ",")
      for (i = 1; i <= count; ++i) {
        sub(/\[.*/, "", part[i]); gsub(/[;*]/, " ", part[i])
        words = split(part[i], word, " ")
        if (words > 0) field[++fields] = word[words]
      }
    }'
  printf '  return 0;\n}\n'
}

program >"$work/abi.c"
"$c" -std=c99 -Wall -Wextra -pedantic -Werror -I "$(dirname "$header")" "$work/abi.c" -o "$work/abi"
{
  "$work/abi"
  nm -D --defined-only "$library" | awk '{ print "symbol", $2, $3 }' | sort
} >"$work/abi.txt"

# Every function of the header is there, and nothing else.
grep -oE '^CP_API [^(]*\(' "$header" | sed -E 's/.*[ *](cp_[a-z_]+)\(/symbol T \1/' | sort >"$work/declared"
grep '^symbol' "$work/abi.txt" | diff -u "$work/declared" - >&2 ||
  { echo "the library does not export just what controlplane.h declares" >&2; exit 1; }

if $write; then
  if [ -f "$list" ] && [ "$(head -1 "$list")" = "$(head -1 "$work/abi.txt")" ] &&
    ! cmp -s "$list" "$work/abi.txt"; then
    echo "$list is of the same version: raise CP_ABI_REVISION or CP_ABI_VERSION first" >&2
    exit 1
  fi
  cp "$work/abi.txt" "$list"
  exit
fi
diff -u "$list" "$work/abi.txt" >&2 || {
  echo "the ABI is not that of $list: raise CP_ABI_REVISION or CP_ABI_VERSION, then write it anew" >&2
  exit 1
}
