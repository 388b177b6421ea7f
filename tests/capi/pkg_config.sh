#!/bin/sh
# Builds and runs the consumer with nothing but a C compiler, strict about warnings, and pkg-config.
# Usage: pkg_config.sh <C compiler> <directory of controlplane-capi.pc> <source> <executable to make>
set -eu
export PKG_CONFIG_PATH="$2"
# Unquoted: pkg-config answers with many words.
"$1" -std=c99 -Wall -Wextra -pedantic -Werror "$3" $(pkg-config --cflags --libs controlplane-capi) -o "$4"
LD_LIBRARY_PATH="$(dirname "$2")" "$4"
