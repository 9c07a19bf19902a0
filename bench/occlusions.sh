#!/bin/bash
# usage: occlusions.sh WHYFACE LFW MODEL THRESHOLD DETECTOR [PAIRS]
#
# What synthetic occlusions do to a detector and a model: the first PAIRS [50]
# mated pairs of LFW/pairs.txt, each pair's first photo occluded.  "Found again":
# a face whose box overlaps the one found without the occlusion (intersection
# over union at least 0.5).  Similarities are between the occluded photo and its
# unoccluded mate, aligned by the landmarks found before the occlusion, and by
# those found after it where the face is found again; non-mates are the mates of
# other pairs.
set -euo pipefail
whyface=$1 lfw=$2 model=$3 threshold=$4 detector=$5 pairs=${6:-50}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

# NAME/NAME_0001.jpg of both photos, one pair a line.
awk -v n="$pairs" 'NR > 1 && NF == 3 && count < n {
    printf "%s/%s_%04d.jpg %s/%s_%04d.jpg\n", $1, $1, $2, $1, $1, $3; count++ }' \
    "$lfw/pairs.txt" >"$work/pairs"

# Photos of a pair go by their number, because a photo may be in two pairs.
mkdir "$work/probe" "$work/mate"
i=0
while read -r a b; do
    i=$((i + 1))
    ln -s "$(realpath "$lfw/images/$a")" "$work/probe/$(printf %03d $i).jpg"
    ln -s "$(realpath "$lfw/images/$b")" "$work/mate/$(printf %03d $i).jpg"
done <"$work/pairs"

# embed FOLDER NAME: embeddings of a folder's crops, one a line.
embed() {
    "$whyface" embed -q -m "$model" --aligned "$1"/*.png -o "$work/$2.csv"
}

# box PHOTO: x y width height of the face nearest the centre of 250 x 250.
box() {
    "$whyface" detect -q -t 1 -d "$detector" "$1" | awk '/ box / {
        split($3, p, ","); split($4, s, "x")
        d = (p[1] + s[1] / 2 - 125) ^ 2 + (p[2] + s[2] / 2 - 125) ^ 2
        if (!found || d < best) { found = 1; best = d; text = p[1] " " p[2] " " s[1] " " s[2] } }
        END { print found ? text : "0 0 0 0" }'
}

# compare EMBEDDINGS: mean similarity with mates, its standard deviation,
# accepted, and the mean with non-mates.
compare() {
    awk -F, -v threshold="$threshold" '
    { key = $1; sub(/.*\//, "", key); key = substr(key, 1, 3); n = 0
      for (i = 2; i <= NF; i++) n += $i * $i
      for (i = 2; i <= NF; i++) v[FILENAME, key, i] = $i / sqrt(n)
      last = NF; if (FILENAME == ARGV[2]) keys[key] = 1; else mates[++m] = key }
    function cosine(a, b,   i, sum) {
        for (i = 2; i <= last; i++) sum += v[ARGV[2], a, i] * v[ARGV[1], b, i]
        return sum }
    END { for (j = 1; j <= m; j++) { key = mates[j]; if (!(key in keys)) continue
              c = cosine(key, key); sum += c; square += c * c; count++
              accepted += c >= threshold
              other += cosine(key, mates[(j + int(m / 2) - 1) % m + 1]) }
          if (!count) { print "- | - | -"; exit }
          sd = square / count - (sum / count) ^ 2
          printf "%.3f +- %.3f | %d of %d | %.3f", sum / count,
              sqrt(sd > 0 ? sd : 0), accepted, count, other / count }' \
        "$work/mates.csv" "$work/$1.csv"
}

quiet=(-q -m "$model" -d "$detector" --face centre)
"$whyface" align "${quiet[@]}" "$work"/mate/*.jpg -o "$work/mates"
"$whyface" align "${quiet[@]}" "$work"/probe/*.jpg -o "$work/none"
embed "$work/mates" mates
embed "$work/none" none
for photo in "$work"/probe/*.jpg; do
    box "$photo"
done >"$work/boxes"

echo "| occlusion | of the crop covered, % | face found again | similarity with the mate | accepted | with a non-mate | with landmarks found again: mate | accepted | non-mate |"
echo "|---|---|---|---|---|---|---|---|---|"
echo "| none | 0 | | $(compare none) | | | |"
for kind in mask sunglasses scarf hand; do
    covered=$("$whyface" occlude "${quiet[@]:1}" -k $kind --crop "$work"/probe/*.jpg \
        -o "$work/$kind" | awk '{ sum += $2 } END { printf "%.1f", sum / NR }')
    embed "$work/$kind" $kind
    "$whyface" occlude "${quiet[@]}" -k $kind "$work"/probe/*.jpg -o "$work/$kind-photos"
    mkdir "$work/$kind-found"
    for photo in "$work/$kind-photos"/*.png; do
        echo "$photo $(box "$photo")"
    done | paste -d' ' - "$work/boxes" | awk '
        function overlap(a, aw, b, bw,   r) {
            r = (a + aw < b + bw ? a + aw : b + bw) - (a > b ? a : b)
            return r > 0 ? r : 0 }
        { i = overlap($2, $4, $6, $8) * overlap($3, $5, $7, $9)
          if (i > 0 && i >= 0.5 * ($4 * $5 + $8 * $9 - i)) print $1 }' >"$work/found"
    found=$(wc -l <"$work/found")
    again="- | - | -"
    if [ "$found" -gt 0 ]; then
        xargs "$whyface" align "${quiet[@]}" -o "$work/$kind-found" <"$work/found"
        embed "$work/$kind-found" "$kind-found"
        again=$(compare "$kind-found")
    fi
    echo "| $kind | $covered | $found of $i | $(compare $kind) | $again |"
done
