#!/bin/bash
# usage: test_install.sh SOURCE-FOLDER BUILD-FOLDER
#
# Installs a build into an empty folder and uses it from there: by pkg-config
# and by find_package, from C and from C++; and the library exports what the
# header declares, nothing more and nothing less.
set -euo pipefail

source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/root" >"$work/log"

# The command finds its library; its manual and completions are in place.
"$work/root/bin/whyface" version | grep -q '^version: '
for file in man/man1/whyface-explain.1.gz man/man7/whyface-methods.7.gz \
    bash-completion/completions/whyface zsh/site-functions/_whyface \
    doc/whyface/LICENSE doc/whyface/doc/operators.md; do
    [ -s "$work/root/share/$file" ]
done
echo "command, manual, completions, documents: ok"

cat >"$work/use.c" <<'EOF'
#include <stdio.h>
#include <whyface.h>

int main(void)
{
    puts(wf_status_name(WF_EINVAL));
    return 0;
}
EOF
cp "$work/use.c" "$work/use.cpp"

pc=$(find "$work/root" -name whyface.pc)
export PKG_CONFIG_PATH=${pc%/*}
lib=$(find "$work/root" -name libwhyface.so)
read -ra flags <<<"$(pkg-config --cflags --libs whyface) -Wl,-rpath,${lib%/*}"
for compile in "cc -std=c11 $work/use.c" "c++ -std=c++11 $work/use.cpp"; do
    $compile -Wall -Wextra -Werror -o "$work/use" "${flags[@]}"
    [ "$("$work/use")" = WF_EINVAL ]
    echo "pkg-config: ${compile%% *}: ok"
done
for example in "$source"/examples/*.c; do
    cc -std=c11 -Wall -Wextra -Werror -o "$work/example" "$example" \
        "${flags[@]}" -lm
    echo "pkg-config: ${example##*/}: ok"
done

cat >"$work/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(use LANGUAGES C)
find_package(whyface 0.1 REQUIRED)
add_executable(use use.c)
target_link_libraries(use PRIVATE whyface::whyface)
EOF
cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/root" >"$work/log"
cmake --build "$work/build" >"$work/log"
[ "$("$work/build/use")" = WF_EINVAL ]
echo "find_package: ok"

nm -D --defined-only "$lib" | awk '{ print $3 }' | sort >"$work/exported"
cc -E -P "$work/root/include/whyface.h" | tr ';' '\n' |
    grep -v typedef | grep -o '\bwf_[a-z0-9_]*(' | tr -d '(' |
    sort -u >"$work/declared"
diff "$work/declared" "$work/exported" >"$work/log" || {
    echo "declared in whyface.h (<) and exported by libwhyface.so (>) differ:"
    cat "$work/log"
    exit 1
}
echo "exports: $(wc -l <"$work/exported") functions: ok"
