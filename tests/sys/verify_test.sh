#!/usr/bin/env bash
# pacs verify: what is wrong on disk is found, named and mended; and the scrub does the same by itself.
. "$(dirname "$0")/../lib/sys.sh"

"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
start_node n county 'accept = any
scrub_days = 0' || { not_ok "the node starts"; done_testing; }
"$TOOLS/load" --port "${PORT[n]}" --called N --calling CT1 --count 24 --per-study 4 "$SMALL" > /dev/null
wait_for 10 'images n 24' || not_ok "24 images are stored"

D=$T/n
verify() { pacs n --json verify "$@" > "$T/v.json"; }
found() { python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."):
    v = v.get(k, 0) if isinstance(v, dict) else v
print(v)' "$T/v.json" "$1"; }
nth() { find "$D/store" -name '*.dcm' | sort | sed -n "$1p"; }
verify; is $? 0 "a healthy store is verified"
is "$(found images)" 24 "... all its images"
verify --since 20990101; is "$(found images)" 0 "nothing was received since a day that is to come"

cp "$(nth 7)" "$T/whole.dcm"
DAMAGED=$(nth 3) MISSING=$(nth 5) CUT=$(nth 7)
printf 'X' | dd of="$DAMAGED" bs=1 seek=$(($(stat -c %s "$DAMAGED") - 9)) conv=notrunc status=none
SOP_MISSING=$(dcmdump +P 0008,0018 "$MISSING" | sed 's/.*\[\(.*\)\].*/\1/')
cp "$MISSING" "$T/original.dcm"
rm "$MISSING"
truncate -s -10 "$CUT"
mkdir -p "$D/store/zz"
verify; is $? 4 "damage is told by the exit code"
is "$(found counts.digest)" 1 "a changed byte is found"
is "$(found counts.missing)" 1 "a missing file is found"
is "$(found counts.size)" 1 "a file that was cut is found"
is "$(found counts.strange)" 1 "a name that is none of ours is found"
is "$(found damage)" 3 "three images are damaged"
is "$(found repaired)" 0 "nothing is changed without --repair"
rmdir "$D/store/zz"
check "the damaged file is still there" test -f "$DAMAGED"

verify --repair
is "$(found repaired)" 3 "three findings are mended as far as can be"
check "a damaged file is no longer where it would be served" test ! -f "$DAMAGED"
is "$(find "$D/quarantine" -type f | wc -l)" 2 "... but in quarantine, with the one that was cut"
is "$(field n index.damaged)" 3 "status tells of three damaged images"
check_says CT1 "a person is told who must send again" pacs n verify damaged
check_exit 4 "verify damaged says so by its exit code" pacs n verify damaged
mkdir "$T/got"
getscu -aec N -aet CT1 +B -od "$T/got" -S -k QueryRetrieveLevel=IMAGE -k StudyInstanceUID= -k SeriesInstanceUID= -k SOPInstanceUID="$SOP_MISSING" 127.0.0.1 "${PORT[n]}" > "$T/get.log" 2>&1
is "$(find "$T/got" -type f | wc -l)" 0 "a missing image is not served"

check "the sender sends the image again" storescu -aet CT1 -aec N 127.0.0.1 "${PORT[n]}" "$T/original.dcm"
is "$(field n index.damaged)" 2 "... and it is whole again"

# A file without a row: the one that a row had, under another number.
COPY=$D/store/0000/000/0000000000ff.dcm
cp "$(nth 1)" "$COPY" && touch -d '2 hours ago' "$COPY"
verify; is "$(found counts.orphan)" 0 "a file that just came is none without a row"
verify --young 0; is "$(found counts.orphan)" 1 "a file without a row is found"
ask() { python3 - "$D/run/storescp.sock" "$1" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
print(s.makefile().readline())
PY
}
check_says "another whole file" "... a copy of an image that is whole is removed" ask '{"op":"repair","what":"orphan","oid":255}'
check "... from the store" test ! -e "$COPY"
cp "$T/whole.dcm" "$COPY"
check_says indexed "... a whole file of a damaged image takes its place" ask '{"op":"repair","what":"orphan","oid":255}'
is "$(field n index.damaged)" 1 "... and it is whole again"
check_says "nothing" "a finding that is late changes nothing" ask '{"op":"repair","what":"orphan","oid":255}'
check_says "whole" "... nor does a false one" ask "{\"op\":\"repair\",\"what\":\"file\",\"instance\":1,\"oid\":1}"
check_says "not in the index" "... nor one of an image that is not there" ask '{"op":"repair","what":"file","instance":9999,"oid":1}'
check_says "repair needs" "... nor one that makes no sense" ask '{"op":"repair","what":"everything"}'
/usr/bin/python3 - "$D/index.db" <<'PY'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=10)
c.execute("UPDATE study SET instances = instances + 1 WHERE id = 1")
c.execute("UPDATE header SET z = (SELECT z FROM header WHERE instance = 2) WHERE instance = 1")
c.commit()
PY
verify; is "$(found counts.counters)" 1 "counters that are no sums are found"
is "$(found counts.header)" 1 "a header that is not the file's is found"
verify --repair
verify
is "$(found counts.counters)$(found counts.header)" 00 "... and both are right after a repair"

check "a node that does not run is verified too" bash -c "kill -TERM ${PID[n]}; while kill -0 ${PID[n]} 2>/dev/null; do sleep 0.05; done; '$BIN/pacs' -C '$D' verify > '$T/v.txt'; [ \$? = 4 ] && grep -q missing '$T/v.txt'"
wait "${PID[n]}" 2>/dev/null; unset 'PID[n]'

# The scrub finds a new damage by itself.
sed -i 's/^scrub_days = 0/scrub_days = 1/' "$D/pacs.conf"
GONE=$(nth 9)
printf 'Y' | dd of="$GONE" bs=1 seek=$(($(stat -c %s "$GONE") - 5)) conv=notrunc status=none
serve_node n || not_ok "the node starts again"
check "the scrub moves a damaged file away by itself" wait_for 20 "test ! -f '$GONE'"
check "... and says so in the log" wait_for 5 "grep -q 'event=scrub_found.*fault=digest' '$T/n.log'"
check "... and in the status" wait_for 10 "[ \"\$(field n scrub.last_found)\" -ge 1 ]"
is "$(field n index.damaged)" 2 "... with the image marked"
check "... and the pass is done" wait_for 10 "grep -q event=scrub_pass_done '$T/n.log'"
stop_node n; is $? 0 "the node ends cleanly"
serve_node n && stop_node n
is "$(grep -c event=scrub_pass_done "$T/n.log")" 1 "a pass that is done is not done again at a restart"
done_testing
