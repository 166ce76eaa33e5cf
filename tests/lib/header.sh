#!/bin/sh
# header.sh: osmia.h by itself, as C11 and as C++.
set -eu
header=$(dirname "$0")/../../include/osmia.h
"${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c "$header"
command -v c++ > /dev/null || { echo "no C++ compiler: skipped"; exit 77; }
c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ "$header"
