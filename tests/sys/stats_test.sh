#!/usr/bin/env bash
# pacs stats: what came, by month, site and modality, and what went wrong.
. "$(dirname "$0")/../lib/sys.sh"
"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
start_node n county 'accept = any
scrub_days = 0' || { not_ok "the node starts"; done_testing; }
for site in SITE1:8 SITE2:4; do
	"$TOOLS/load" --port "${PORT[n]}" --called N --calling "${site%:*}" --count "${site#*:}" --per-study 4 "$SMALL" > /dev/null
done
cp "$SMALL" "$T/bad.dcm" && dcmodify -nb -ea '(0020,000d)' "$T/bad.dcm" 2> /dev/null
storescu -aet SITE2 -aec N 127.0.0.1 "${PORT[n]}" "$T/bad.dcm" > /dev/null 2>&1
wait_for 10 'images n 12' || not_ok "12 images are stored"
json() { pacs n --json stats "${@:2}" | python3 -c 'import json, sys
v = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"; }
month=$(date +%Y-%m)
is "$(json '[(r["month"], r["site"], r["studies"], r["images"]) for r in v]')" "[('$month', 'SITE1', 2, 8), ('$month', 'SITE2', 1, 4)]" "by month and site"
is "$(json '[r["images"] for r in v]' site --site SITE2)" "[4]" "of one site"
is "$(json 'v' month --month 1999-01)" "[]" "nothing of a month in which nothing came"
is "$(json 'len(v), v[0]["images"], v[0]["modality"] != ""' modality)" "(1, 12, True)" "by modality"
is "$(json 'sum(r["bytes"] for r in v)')" "$(field n index.bytes)" "every byte is counted once"
is "$(json '[(r["site"], r["quarantined"]) for r in v]' site)" "[('SITE1', 0), ('SITE2', 1)]" "what went to quarantine stands beside its sender"
check_says SITE1 "a table for people" pacs n stats
check_exit 2 "a word that is none" pacs n stats year
check_exit 2 "a month that is none" pacs n stats --month 202611
# A destination that does not answer, and a person who holds what is for it.
pacs n node add far --aet NOBODY --host 127.0.0.1 --port "$(free_port)" > /dev/null
pacs n route add far --action forward --to far --calling SITE1 > /dev/null
"$TOOLS/load" --port "${PORT[n]}" --called N --calling SITE1 --count 3 --per-study 3 "$SMALL" > /dev/null
wait_for 10 'test "$(pacs n --json queue list | python3 -c "import json, sys; print(len(json.load(sys.stdin)))")" -ge 3'
pacs n queue hold --to far > /dev/null
is "$(json '[(r["site"], r["held_jobs"]) for r in v]' site)" "[('SITE1', 3), ('SITE2', 0)]" "jobs that wait for a person stand beside the sender of their images"
stop_node n
/usr/bin/python3 - "$T/n/index.db" <<'PY'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("UPDATE study SET last_received_ms = first_received_ms + 7200000, charset_how = 'detected' WHERE id = 1")
c.commit()
PY
is "$(json '[(r["late"], r["text_troubles"]) for r in v]' site)" "[(1, 1), (0, 0)]" "late studies and guessed text are counted; the node need not run"
done_testing
