#!/bin/bash
# Compression beside receiving: how much slower DR is taken while a backlog is compressed, and how long a county's day of images takes.
#
#   backlog_bench.sh [DR] [US]     images of the backlog: DR of 18 MB (158) and ultrasound stills of 0.9 MB (1010: 202 studies of 5)
. "$(dirname "$0")/../lib/sys.sh"
DR=${1:-158} US=${2:-1010} BESIDE=40
"$TOOLS/phantom" --out "$T/in" --set demo --seed 3 >/dev/null && "$TOOLS/phantom" --out "$T/in" --set bench --seed 3 >/dev/null || exit 1
start_node n clinic 'accept = any
compress_workers = 2
route "small" { calling = "BACK" action = compress }' || exit 1
send() { "$TOOLS/load" --port "${PORT[n]}" --called N "$@"; }
rate() { sed 's/.*images_per_s=\([0-9.]*\).*/\1/'; }
waiting() {
	pacs n --json status | python3 -c '
import json, sys
print(sum(q["n"] for q in json.load(sys.stdin)["queue"] if q["kind"] == "compress"))'
}

one=$(send --calling ALONE --associations 2 --count $BESIDE "$T/in/bench_dr.dcm" | rate)
two=$(send --calling ALONE --associations 2 --count $BESIDE "$T/in/bench_dr.dcm" | rate)
send --calling BACK --associations 2 --count "$DR" "$T/in/dr_chest.dcm" >/dev/null
send --calling BACK --associations 2 --count "$US" "$T/in/bench_us.dcm" >/dev/null
start=$(date +%s.%N)
beside=$(send --calling ALONE --associations 2 --count $BESIDE "$T/in/bench_dr.dcm" | rate)
again=$(send --calling ALONE --associations 2 --count $BESIDE "$T/in/bench_dr.dcm" | rate)
left=$(waiting)
wait_for 3000 '[ "$(waiting)" = 0 ]'
printf 'DR of 13 MB received, images/s: %s and %s alone, %s and %s beside a backlog (%s jobs were left after it)\n' "$one" "$two" "$beside" "$again" "$left"
python3 -c "
import sys
a, b = max(float(sys.argv[1]), float(sys.argv[2])), max(float(sys.argv[3]), float(sys.argv[4]))
print('lost: %.0f %%' % (100 - 100 * b / a))" "$one" "$two" "$beside" "$again"
printf '%s DR of 18 MB and %s ultrasound images of 0.9 MB compressed and verified in %.0f s, the receiving of 80 DR included\n' "$DR" "$US" "$(echo "$(date +%s.%N) - $start" | bc)"
