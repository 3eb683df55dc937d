#!/usr/bin/env bash
# pacs rebuild: the index that is made from the files alone is the old one, table by table.
. "$(dirname "$0")/../lib/sys.sh"

"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
"$TOOLS/phantom" --out "$T/demo" --set demo > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
start_node n county 'accept = any
scrub_days = 0
node "latest" {
 aet = LATEST
 duplicate = keep-latest
}
route "small" {
 calling = "CT1"
 action = compress
 codec = jpeg2000
}' || { not_ok "the node starts"; done_testing; }
D=$T/n
storescu -aet CR1 -aec N +sd 127.0.0.1 "${PORT[n]}" "$T/demo" > "$T/s.log" 2>&1
"$TOOLS/load" --port "${PORT[n]}" --called N --calling CT1 --count 40 --per-study 5 "$SMALL" > /dev/null
# The same UID with other content: kept beside, and as the latest.
mkdir "$T/dup"
for who in CR2 LATEST; do
	cp "$(find "$T/demo" -type f | sort | head -1)" "$T/dup/$who.dcm"
	dcmodify -nb -i "(0008,103e)=changed by $who" "$T/dup/$who.dcm" > "$T/m.log" 2>&1 || note "$(cat "$T/m.log")"
	storescu -aet $who -aec N 127.0.0.1 "${PORT[n]}" "$T/dup/$who.dcm" > "$T/m.log" 2>&1 || note "$(cat "$T/m.log")"
done
# In quarantine: no Study UID.
cp "$SMALL" "$T/nouid.dcm" && dcmodify -nb -ea '(0020,000d)' "$T/nouid.dcm" 2> /dev/null
storescu -aet CR3 -aec N 127.0.0.1 "${PORT[n]}" "$T/nouid.dcm" > /dev/null 2>&1
idle() { pacs n --json queue list --limit 5 | python3 -c 'import json, sys
sys.exit(bool(json.load(sys.stdin)))'; }
wait_for 60 idle || not_ok "everything is compressed"
total=$(field n index.images)
check "images, conflicts and quarantine are there" test "$total" -gt 40 -a "$(field n index.conflicts)" -gt 1 -a "$(field n index.quarantined)" = 1
check "a study is held" pacs n retention hold "$(pacs n --json study list | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["study"])')" --reason "court case"
check_exit 1 "a node that runs is not rebuilt" pacs n rebuild
check_says "runs already" "... and told why" pacs n rebuild
stop_node n

check "the index is rebuilt" bash -c "'$BIN/pacs' -C '$D' --json rebuild > '$T/r.json'"
note "$(cat "$T/r.json")"
check "the old one is kept" test -s "$D/index.db.old"
check "nothing else is left" test ! -e "$D/rebuild" -a ! -e "$D/index.db-wal"
/usr/bin/python3 "$ROOT/tests/lib/same_index.py" "$D/index.db.old" "$D/index.db" 10 > "$T/diff.txt"
if [ $? = 0 ]; then ok "the new index is the old one, table by table"; else not_ok "the new index is the old one, table by table" "$(head -20 "$T/diff.txt")"; fi
note "$(cat "$T/diff.txt" | tail -14)"
serve_node n && ok "the node starts on it" || not_ok "the node starts on it"
is "$(field n index.images)" "$total" "... and has every image"
check "... and finds itself as it should be" pacs n verify
check "... and takes new images" storescu -aec N 127.0.0.1 "${PORT[n]}" "$SMALL"
stop_node n

# No index at all, a damaged one, a file that is none.
rm -f "$D"/index.db*
check "an index that is gone is rebuilt" pacs n rebuild
head -c 20000 /dev/urandom > "$D/index.db"
check_says "holds and the trail" "one that is no database too, and what is lost is told" pacs n rebuild
printf 'no dicom' > "$D/store/0000/000/00000000ffff.dcm"
check_exit 4 "a file that cannot be indexed is told" pacs n rebuild
check_says 00000000ffff "... by its name" pacs n rebuild
check "... and stays" test -f "$D/store/0000/000/00000000ffff.dcm"

# One bit of a kept image has turned: its own head says so, and no index was needed to know.
rm "$D/store/0000/000/00000000ffff.dcm"
ROTTEN=$(ls "$D"/store/0000/000/*.dcm | head -3 | tail -1)
python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(-100, 2)
    b = f.read(1)
    f.seek(-100, 2)
    f.write(bytes([b[0] ^ 4]))' "$ROTTEN"
check_exit 4 "a file whose bytes have changed is told" pacs n rebuild
check_says "$(basename "$ROTTEN")" "... by its name" pacs n rebuild
check "... and stays for who can mend it" test -f "$ROTTEN"
done_testing
