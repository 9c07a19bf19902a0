#!/bin/bash
# usage: photos.sh WHYFACE DATA-FOLDER MODEL THRESHOLD DETECTOR
#
# What happens with each picture of DATA-FOLDER/hard, and the verification
# accuracy on DATA-FOLDER/photos/pairs.csv at a fixed threshold.
set -euo pipefail
whyface=$1 data=$2 model=$3 threshold=$4 detector=$5

echo "| hard/ | faces, with their scores |"
echo "|---|---|"
for photo in "$data"/hard/*; do
    found=$("$whyface" detect -d "$detector" -q "$photo" 2>&1 |
        sed -n 's/.*box \([^ ]*\) \([^ ]*\) *score \(.*\)/\2 (\3)/p' | paste -sd, | sed 's/,/, /g')
    echo "| ${photo##*/} | ${found:-none} |"
done

right=0 total=0 failed=0 wrong=
while IFS=, read -r a b same; do
    same=${same%$'\r'}
    verdict=$("$whyface" verify -q -m "$model" -d "$detector" --threshold "$threshold" \
        --face largest --face largest "$data/photos/$a" "$data/photos/$b" 2>/dev/null) ||
        { failed=$((failed + 1)); continue; }
    total=$((total + 1))
    [[ $verdict == *"no match" ]] && said=No || said=Yes
    if [ "$same" = "$said" ]; then
        right=$((right + 1))
    else
        wrong="$wrong $a-$b"
    fi
done < <(tail -n +2 "$data/photos/pairs.csv")
echo
echo "photos: $right of $total pairs right at threshold $threshold, $failed failed; wrong:${wrong:- none}"
