#!/usr/bin/env bash
# pacs retention: classes, quotas, holds; never what is not sent or not read; nothing without --apply.
. "$(dirname "$0")/../lib/sys.sh"
"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
start_node n county 'accept = any
scrub_days = 0
quiet = 1
node "far" {
 aet = FAR
 host = "127.0.0.1"
 port = 9
}
route "up" {
 action = forward
 to = far
 calling = "UNSENT"
}
route "small" {
 action = compress
 codec = jpeg2000
 calling = "LAST"
}
route "read" {
 action = worklist
 group = ALL
 calling = "UNREAD"
}
retention "long" {
 calling = "LONG"
 keep = "30y"
}
retention "small" {
 calling = "QUOTA"
 quota = 1
}
retention "rest" {
 keep = "15y"
}' || { not_ok "the node starts"; done_testing; }
load() { "$TOOLS/load" --port "${PORT[n]}" --called N --calling "$1" --count "$2" --per-study 2 "$SMALL" > /dev/null; }
for who in OLD UNSENT UNREAD LONG HELD NEW; do load $who 2; done
# The router commits its cursor when there is work to commit: the last study makes some, so that all before it count as planned.
load QUOTA 40
load LAST 2
total=$((6 * 2 + 40 + 2))
wait_for 10 "images n $total" || not_ok "all images are stored"
wait_for 20 'pacs n --json worklist list | grep -q SCHEDULED' || not_ok "the study to be read is listed"
wait_for 30 '[ "$(pacs n --json retention --all | grep -c "not planned")" = 0 ] && ! pacs n queue list | grep -q compress' || not_ok "all is planned and compressed"
stop_node n
/usr/bin/python3 - "$T/n/index.db" <<'PY'
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1])
years = 365.25 * 86400 * 1000
for who, age in (("OLD", 16), ("UNSENT", 16), ("UNREAD", 16), ("LONG", 29), ("HELD", 16)):
    c.execute("UPDATE study SET last_received_ms = last_received_ms - ? WHERE calling = ?", (int(age * years), who))
c.commit()
PY
serve_node n || not_ok "the node starts again"
json() { pacs n --json retention "${@:2}" | python3 -c 'import json, sys
v = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"; }
uid_of() { pacs n --json study list --limit 1000 | python3 -c 'import json, sys
print([s["study"] for s in json.load(sys.stdin) if s["calling"] == sys.argv[1]][0])' "$1"; }
HELD=$(uid_of HELD) OLD=$(uid_of OLD)
check_exit 2 "a hold needs a reason" pacs n retention hold "$HELD"
check "a study is held" pacs n retention hold "$HELD" --reason "court case"
check_exit 1 "one that is not here is not" pacs n retention hold 1.2.3 --reason "none"
is "$(json '[(r["calling"], r["verdict"]) for r in v if r["calling"] != "QUOTA"]')" "[('OLD', 'would go'), ('UNSENT', 'kept'), ('UNREAD', 'kept'), ('HELD', 'kept')]" "what is old would go, what is needed or held stays"
is "$(json '[r["why"] for r in v if r["calling"] in ("UNSENT", "UNREAD", "HELD")]')" "['not sent', 'not read', 'held: court case']" "... and why"
is "$(json '[r["class"] for r in v if r["calling"] == "LONG"]' --all)" "['long']" "another class keeps longer"
gone=$(json 'sum(r["images"] for r in v if r["calling"] == "QUOTA")')
check "the oldest of a class above its quota would go" test "$gone" -gt 0 -a "$gone" -lt 40
is "$(field n index.images)" "$total" "nothing goes without --apply"
before=$(find "$T/n/store" -name '*.dcm' | wc -l)
check "--apply removes them" pacs n retention --apply
is "$(field n index.images)" $((total - 2 - gone)) "... from the index"
is "$(find "$T/n/store" -name '*.dcm' | wc -l)" $((before - 2 - gone)) "... and from the disk"
check_exit 1 "... so that the study is gone" pacs n study show "$OLD"
is "$(json 'len([r for r in v if r["verdict"] == "would go"])')" 0 "... and nothing more would go"
check "what is left is as it should be" pacs n verify --young 0
is "$(/usr/bin/python3 -c 'import sqlite3, sys
c = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
print(c.execute("SELECT class, why, calling, instances FROM retired WHERE study_uid = ?", (sys.argv[2],)).fetchall())' "$T/n/index.db" "$OLD" | sed 's/[0-9]* days/N days/')" "[('rest', 'N days old, kept for 15y', 'OLD', 2)]" "the trail tells what went and why"
check "a hold is lifted" pacs n retention unhold "$HELD"
check_exit 1 "... once" pacs n retention unhold "$HELD"
is "$(json '[r["calling"] for r in v if r["verdict"] == "would go"]')" "['HELD']" "... and the study may go"
ask() { python3 - "$T/n/run/storescp.sock" "$1" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
print(s.makefile().readline())
PY
}
check_says "not read" "the owner asks again what needs a study" ask "{\"op\":\"repair\",\"what\":\"retire\",\"study\":\"$(uid_of UNREAD)\",\"class\":\"x\",\"reason\":\"x\",\"who\":\"x\",\"last\":0}"
check_says "came meanwhile" "... and whether something came" ask "{\"op\":\"repair\",\"what\":\"retire\",\"study\":\"$HELD\",\"class\":\"x\",\"reason\":\"x\",\"who\":\"x\",\"last\":1}"
numbers() { /usr/bin/python3 -c 'import sqlite3, sys
c = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
print(*c.execute("SELECT max(id), max(oid) FROM instance").fetchone())' "$T/n/index.db"; }
read -r id oid <<< "$(numbers)"
LAST=$(uid_of LAST)
last=$(/usr/bin/python3 -c 'import sqlite3, sys
print(sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute("SELECT last_received_ms FROM study WHERE study_uid = ?", (sys.argv[2],)).fetchone()[0])' "$T/n/index.db" "$LAST")
images=$(field n index.images)
ask "{\"op\":\"repair\",\"what\":\"retire\",\"study\":\"$LAST\",\"class\":\"x\",\"reason\":\"x\",\"who\":\"x\",\"last\":$last}" > "$T/answer"
check_exit 1 "the newest study may go too" pacs n study show "$LAST"
gone=$((gone + images - $(field n index.images)))
read -r id_left oid_left <<< "$(numbers)"
check "... which had the highest numbers" test "$id_left" -lt "$id" -a "$oid_left" -lt "$oid"
load OLD 2
check "the node takes images of the same sender again" wait_for 10 "images n $((total - 2 - gone + 2))"
read -r id_new oid_new <<< "$(numbers)"
check "... with numbers that nobody had before" test "$id_new" -eq "$((id + 2))" -a "$oid_new" -gt "$oid"
echo 'retention "wrong" {
 keep = "15 years"
}' >> "$T/n/pacs.conf"
check_says 'expected e.g. "15y"' "a class that makes no sense is told" pacs n check
done_testing
