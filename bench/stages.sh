#!/bin/bash
# usage: stages.sh WHYFACE "PROBE MATE NONMATE" DETECTOR MODEL...
#
# Seconds of each stage of 'explain' with 500 masks, and peak memory with 500
# and with 2000 masks, for each model.  Each photo must show one face.
set -euo pipefail
whyface=$1 photos=$2 detector=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

value() {
    sed -n "s/^ *\"$1\": \([0-9.e-]*\),*$/\1/p" "$work/result.json" | tail -1
}

echo "| model | open | load | detect | align | explain | of it in the model | figure and files | forwards a second | peak MiB, N = 500 | peak MiB, N = 2000 |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
for model in "$@"; do
    row="| $(basename "$model" .onnx) |"
    # shellcheck disable=SC2086
    "$whyface" explain -q --method s-rise -m "$model" -d "$detector" --face largest \
        --face largest --face largest $photos -o "$work" 2>/dev/null
    for key in open load detect align explain explain_in_model figure; do
        row+=" $(printf %.2f "$(value $key)") |"
    done
    row+=" $(echo "$(value forwards) / $(value explain_in_model)" | awk '{ printf "%.0f", $1 / $3 }') |"
    row+=" $(value peak_memory_mib) |"
    if [ "$(printf %.0f "$(value explain)")" -lt 30 ]; then
        # shellcheck disable=SC2086
        "$whyface" explain -q --method s-rise -m "$model" -d "$detector" --face largest \
            --face largest --face largest $photos --masks 2000 -o "$work" 2>/dev/null
        row+=" $(value peak_memory_mib) |"
    else
        row+=" not run |"
    fi
    echo "$row"
done
