#!/bin/bash
# usage: bench/kill_test.sh WHYFACE KILLS FOLDER OPTION...
#
# Runs 'WHYFACE bench run FOLDER/N.db OPTION...', kills it (SIGKILL) at random
# moments and starts it again, with new databases as old ones are finished, until
# it was killed KILLS times and the last database is whole.  Prints how many
# items that were done before a kill were lost, and how many were done again;
# fails if there is one.  A kill comes within KILL_WITHIN seconds (environment;
# 1.2), which should be several times what an item takes.
set -euo pipefail
[ $# -ge 4 ] || {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
}
whyface=$1 kills=$2 folder=$3
shift 3
mkdir -p "$folder"

# The items that are done, each with what makes it recognisable, and its scores.
done_items() {
    /usr/bin/python3 - "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for row in db.execute('''SELECT items.id, run, date, items.seconds, count(*),
        total(scores.seconds) FROM items JOIN scores ON item = items.id
        WHERE state = 2 GROUP BY items.id ORDER BY items.id'''):
    print(*row)
PY
}

killed=0 number=1 lost=0 again=0 items=0 seen=0 status=0
: >"$folder/before"
while :; do
    db=$folder/$number.db
    "$whyface" bench run "$db" "$@" -q >"$folder/log" 2>&1 </dev/null &
    if [ "$killed" -lt "$kills" ]; then
        sleep "$(awk -v r="$RANDOM" -v most="${KILL_WITHIN:-1.2}" \
            'BEGIN { print 0.1 + r / 32767 * (most - 0.1) }')"
        kill -9 $! 2>/dev/null && killed=$((killed + 1))
    fi
    status=0
    wait $! 2>/dev/null || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 137 ] || {
        cat "$folder/log" >&2
        exit 1
    }
    # Nothing is there yet if it was killed very early.
    done_items "$db" >"$folder/now" 2>/dev/null || : >"$folder/now"
    # What was done before must be there, unchanged.
    seen=$((seen + $(wc -l <"$folder/before")))
    lost=$((lost + $(join -v 1 <(sort -k1,1 "$folder/before") \
        <(sort -k1,1 "$folder/now") | wc -l)))
    again=$((again + $(join <(sort -k1,1 "$folder/before") \
        <(sort -k1,1 "$folder/now") |
        awk '{ n = (NF - 1) / 2
               for (i = 2; i <= n + 1; i++) if ($i != $(i + n)) { c++; break } }
             END { print c + 0 }')))
    mv "$folder/now" "$folder/before"
    [ "$status" -eq 0 ] || continue
    items=$((items + $(wc -l <"$folder/before")))
    [ "$killed" -lt "$kills" ] || break
    number=$((number + 1))
    : >"$folder/before"
done
echo "$killed kills, $items items in $number databases: $lost lost, $again done again" \
    "(items done before a start: $seen in all)"
[ "$lost" -eq 0 ] && [ "$again" -eq 0 ]
