#!/bin/bash
# Forwarding and compression to an independent receiver: DCMTK's storescp.
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
PYTHON=/usr/bin/python3          # Debian's, which has pydicom
LOAD=$TOOLS/load
for p in late dead picky j2k plain; do PORT[$p]=$(free_port); done

# peer NAME OPTIONS...   a storescp that puts what it gets into $T/NAME.in
peer()
{
	local name=$1; shift
	mkdir -p "$T/$name.in"
	storescp -od "$T/$name.in" -aet "${name^^}" "$@" "${PORT[$name]}" >> "$T/$name.log" 2>&1 &
	PID[$name]=$!
}
peer_gone() { stop_node "$1"; }
got() { find "$T/$1.in" -type f 2>/dev/null | wc -l; }
has() { [ "$(got "$1")" = "$2" ]; }
node_lines() { printf 'node "%s" {\n aet = %s\n host = "127.0.0.1"\n port = %s\n}\n' "$1" "${1^^}" "${PORT[$1]}"; }
route_lines() { printf 'route "to_%s" {\n action = forward\n to = %s\n%s\n}\n' "$1" "$1" "${2:-}"; }
load() { "$LOAD" --port "${PORT[clinic]}" --called CLINIC --calling CT1 --per-study 10 "$@" "$FILE"; }
# jobs STATE NODE   how many jobs for it are in this state
jobs() { pacs clinic --json queue list --state "$1" --to "$2" --limit 5000 | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(len(d["jobs"] if isinstance(d, dict) else d))'; }
has_jobs() { [ "$(jobs "$1" "$2")" = "$3" ]; }

LINES="accept = any
retry_min = 1
retry_max = 1
$(node_lines late)
$(node_lines dead)
$(node_lines picky)
$(route_lines late)
$(route_lines dead 'calling = CT1')
$(route_lines picky 'calling = PICKED')"
start_node clinic clinic "$LINES" || { not_ok "the node starts"; done_testing; }

# ---- an outage ----
check "forty images are stored while nobody listens" load --count 40
check "their jobs wait, and say why" wait_for 10 'pacs clinic queue list --to late | grep -q waiting'
peer late
check "all of them arrive when the receiver comes back" wait_for 20 'has late 40'
check "none is left to do" wait_for 10 '[ "$(jobs sent late)" -ge 40 ]'

# ---- a dead destination beside a living one ----
check "forty more are stored" load --count 40
check "they arrive at the living destination" wait_for 10 'has late 80'
is "$(jobs sent dead)" 0 "the dead one has got none"
is "$(jobs '' dead)" 80 "and none of its jobs is lost"

# ---- kill -9 in the middle ----
load --count 400 --associations 4 > "$T/load.out" 2>&1 &
LOADER=$!
wait_for 20 '[ "$(got late)" -gt 120 ]'
BEFORE=$(got late)
kill -KILL "$(child_pid clinic router)"
wait $LOADER
is $? 0 "storing goes on while the router is killed"
check "every image arrives after the kill" wait_for 40 'has late 480'
[ "$BEFORE" -lt 480 ] && ok "the kill came in the middle" || not_ok "the kill came in the middle" "$BEFORE of 480 had arrived"

# ---- a permanent refusal ----
cat > "$T/us_only.cfg" <<'END'
[[TransferSyntaxes]]
[Uncompressed]
TransferSyntax1 = LocalEndianExplicit
TransferSyntax2 = LittleEndianImplicit
[[PresentationContexts]]
[UltrasoundOnly]
PresentationContext1 = UltrasoundImageStorage\Uncompressed
[[Profiles]]
[Default]
PresentationContexts = UltrasoundOnly
END
peer picky -xf "$T/us_only.cfg" Default
check "an image is stored that its destination refuses" "$LOAD" --port "${PORT[clinic]}" --called CLINIC --calling PICKED --count 3 --per-study 3 "$FILE"
check "its jobs are held" wait_for 10 'has_jobs held picky 3'
check_says "presentation context" "the queue shows the reason" pacs clinic queue list --state held
peer_gone picky
peer picky
check "a person has them tried again" pacs clinic queue retry --to picky
check "and they arrive" wait_for 10 'has picky 3'
stop_node clinic

# ---- compression before forwarding ----
LINES="accept = any
retry_min = 1
retry_max = 1
$(node_lines j2k)
$(node_lines plain)
route \"small\" {
 action = compress
 codec = jpeg2000
}
$(route_lines j2k)
$(route_lines plain)"
start_node county county "$LINES" || { not_ok "the second node starts"; done_testing; }
peer j2k +xa
peer plain
check "ten images are stored" "$LOAD" --port "${PORT[county]}" --called COUNTY --calling CT1 --count 10 --per-study 5 "$FILE"
check "they arrive at a receiver that takes JPEG 2000" wait_for 30 'has j2k 10'
check "they arrive at one that does not" wait_for 30 'has plain 10'
syntaxes() { for f in "$T/$1.in"/*; do dcmdump +P 0002,0010 "$f"; done | sed 's/.*=//; s/ .*//' | sort | uniq -c | tr -s ' '; }
is "$(syntaxes j2k)" " 10 JPEG2000LosslessOnly" "the first got the compressed files"
is "$(syntaxes plain)" " 10 LittleEndianExplicit" "the second got explicit little endian"
check "with the pixels as they were" "$PYTHON" - "$FILE" "$T/plain.in" <<'END'
import os, sys, pydicom
want = pydicom.dcmread(sys.argv[1]).PixelData
files = [os.path.join(sys.argv[2], f) for f in os.listdir(sys.argv[2])]
sys.exit(0 if files and all(pydicom.dcmread(f).PixelData == want for f in files) else 1)
END
is "$(find "$T/county/spool" -type f -size +0 | wc -l)" 0 "nothing is left in the spool"
done_testing
