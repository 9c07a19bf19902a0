#!/bin/bash
# usage: startup.sh WHYFACE MODEL DETECTOR A B
#
# How long the command takes from start to end, each time as a process of its
# own: without work, to open the model, and to verify two photos.  Seconds of
# wall time: least and median of eleven runs.
set -euo pipefail
whyface=$1 model=$2 detector=$3 a=$4 b=$5
runs=11

# seconds COMMAND...: of each run, sorted.
seconds() {
    local i start
    for ((i = 0; i < runs; i++)); do
        start=$EPOCHREALTIME
        "$@" >/dev/null
        echo "$EPOCHREALTIME $start" | awk '{ printf "%.3f\n", $1 - $2 }'
    done | sort -n
}

# row WHAT COMMAND...
row() {
    local what=$1 times
    shift
    times=$(seconds "$@")
    echo "| $what | $(echo "$times" | head -n 1) |" \
        "$(echo "$times" | sed -n "$(((runs + 1) / 2))p") |"
}

echo "| what | least | median |"
echo "|---|---|---|"
row "help" "$whyface" help
row "models show" "$whyface" models show "$model"
row "verify" "$whyface" verify -q -m "$model" -d "$detector" \
    --face largest --face largest "$a" "$b"
