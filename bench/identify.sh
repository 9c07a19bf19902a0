#!/bin/bash
# usage: bench/identify.sh [PHOTOS] [FOLDER]
#
# 1:N search with MobileFaceNet and MTCNN on a gallery of PHOTOS (10000) names:
# LFW's folds, linked as often as that takes.  Prints, as Markdown, and keeps in
# FOLDER (build/identify) as identify.md:
#
#   how fast photos are enrolled, and in what the time goes
#   milliseconds of a search, 10,000 x 512 and x 128 (search_speed)
#   forwards and seconds of explaining the best 1 and the best 10 of 5 probes
#   what a candidate's map loses among 10 (candidates)
. "$(dirname "$0")/../scripts/lib.sh"
. bench/lfw.sh

case ${1:-} in
-h | --help) usage && exit ;;
esac
[ $# -le 2 ] || { usage >&2 && exit 2; }
photos=${1:-10000}
lfw_open "${2:-build/identify}" mobilefacenet_128
gallery=$out/gallery
index=$out/gallery.index
common=(-m mobilefacenet_128 -d mtcnn)

say "a gallery of $photos names"
rm -rf "$gallery" "$index"
mkdir -p "$gallery"
find "$lfw/images" -name '*.jpg' | sort >"$out/photos"
for ((copy = 1, made = 0; made < photos; copy++)); do
    mkdir "$gallery/copy$copy"
    while read -r photo && [ "$made" -lt "$photos" ]; do
        ln -s "$photo" "$gallery/copy$copy/"
        made=$((made + 1))
    done <"$out/photos"
done

# json FILE EXPRESSION: what Python says about the document r.
json() {
    /usr/bin/python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$@"
}

{
    echo "## Enrolment"
    status=0
    "$whyface" enrol "${common[@]}" "$gallery" --face centre -o "$index" --json \
        >"$out/enrol.json" || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || die "enrolment failed"
    json "$out/enrol.json" '"{photos} photos, {faulty} without a face, {threads} threads: {r0:.1f} s, {r1:.1f} photos/s\n\nSeconds of all threads: reading {load:.1f}, detecting {detect:.1f}, aligning {align:.1f}; on the wall: embedding {embed:.1f}, storing {store:.1f}. Processor: {processor:.1f}, {ms:.1f} ms a photo.".format(**r, **{k: v for k, v in r["seconds"].items() if k != "total"}, ms=1000 * r["seconds"]["processor"] / r["photos"], r0=r["seconds"]["total"], r1=r["photos"] / r["seconds"]["total"])'
    start=$(date +%s.%N)
    "$whyface" enrol "${common[@]}" "$gallery" --face centre -o "$index" -q || true
    echo
    echo "Again, nothing new: $(echo "$(date +%s.%N) - $start" | bc) s."
    echo
    echo "## Search"
    build/release/bin/search_speed 10000 512
    echo
    build/release/bin/search_speed 10000 128
    echo
    echo "## Explaining the best"
    echo "| probe | explained | forwards | seconds | of the search, ms |"
    echo "|---|---|---|---|---|"
    for probe in $(awk 'NR % 700 == 1' "$out/photos" | head -5); do
        for n in 1 10; do
            "$whyface" identify "${common[@]}" --face centre "$probe" "$index" \
                --explain "$n" -o "$out/probe" -q
            echo "| $(basename "$probe") | $n | $(json "$out/probe/result.json" \
                '"{} | {:.2f} | {:.2f}".format(r["forwards"], r["seconds"]["explain"], 1000 * r["seconds"]["search"])') |"
        done
    done
    echo
    echo "## Maps alone and among 10"
    build/release/bin/candidates "$lfw" mobilefacenet_128 mtcnn 100 10 10 2>/dev/null
} | tee "$out/identify.md.part"
mv "$out/identify.md.part" "$out/identify.md"
say "$out/identify.md"
