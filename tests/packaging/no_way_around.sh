#!/bin/sh
# No source reaches another room by a relative path, which no include root could stop.
# Usage: no_way_around.sh <directory>...
! grep -rnE '^ *# *include *"(\.\.?/|lib/|/)' "$@"
