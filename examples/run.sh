#!/bin/sh
# Builds and runs the example of one language against the built library.
# Usage: run.sh go|rust|node <directory of the example> <library> <include directory> <working directory>
set -eu
language=$1
source=$2
library=$3
libraries=$(dirname "$library")
include=$4
work=$5
mkdir -p "$work"

case $language in
  go)
    export CGO_CFLAGS="-I$include" CGO_LDFLAGS="-L$libraries -Wl,-rpath,$libraries"
    export GOFLAGS=-mod=mod GOTOOLCHAIN=local
    (cd "$source" && go vet . && go build -o "$work/review" .)
    "$work/review"
    ;;
  rust)
    rustc --edition 2021 -D warnings -L "$libraries" -C "link-args=-Wl,-rpath,$libraries" \
      "$source/review.rs" -o "$work/review"
    "$work/review"
    ;;
  node)
    cp "$source"/*.js "$source"/package*.json "$work"
    cd "$work"
    # The package is installed once; a new lock file installs it again.
    if ! cmp -s package-lock.json installed; then
      npm ci --ignore-scripts --no-audit --no-fund >&2
      cp package-lock.json installed
    fi
    CONTROLPLANE_CAPI=$library node review.js
    ;;
esac
