#!/bin/sh
# Builds and runs the consumer with nothing but a compiler, strict about warnings, and pkg-config.
# Usage: pkg_config.sh <compiler> <directory of controlplane.pc> <source> <executable to make>
set -eu
export PKG_CONFIG_PATH="$2"
# Unquoted: pkg-config answers with many words.
"$1" -std=c++20 -Wall -Wextra -Werror "$3" $(pkg-config --cflags --libs controlplane) -o "$4"
LD_LIBRARY_PATH="$(dirname "$2")" "$4"
