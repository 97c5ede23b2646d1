#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the client library from the build folder $1 and builds main.cc against it with the compiler $2 and its flags $3:
# once by its CMake package, once by its .pc file.
set -eu
build=$1 compiler=$2 flags=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cmake --install "$build" --prefix "$work/prefix" --component client-library >/dev/null

cmake -S "$here" -B "$work/by-cmake" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_FLAGS="$flags" >/dev/null
cmake --build "$work/by-cmake" >/dev/null
"$work/by-cmake/consumer"

pc=$(find "$work/prefix" -name openexec-client.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # lists of flags
"$compiler" -std=c++23 $flags $(pkg-config --cflags openexec-client) "$here/main.cc" \
  $(pkg-config --libs openexec-client) -o "$work/by-pkg-config"
"$work/by-pkg-config"
