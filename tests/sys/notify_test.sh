#!/bin/bash
# Study-complete events and instance availability notifications: sent, received, kept, retried.
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
CT=1.2.840.10008.5.1.4.1.1.2
PEER=$TOOLS/commit_peer
for p in ris deaf; do PORT[$p]=$(free_port); done
node_lines() { printf 'node "%s" {\n aet = %s\n host = "127.0.0.1"\n port = %s\n commit = no\n}\n' "$1" "${1^^}" "${PORT[$1]}"; }
load() { "$TOOLS/load" --port "${PORT[county]}" --called COUNTY --calling CT1 --per-study 4 --count 4 "$FILE"; }
py() { python3 -c "import json, sys
d = json.load(sys.stdin)
$1"; }
events() { pacs county --json notice list | py 'print(len(d["events"]))'; }
jobs() { pacs county --json queue list --state "$1" --to "$2" | py 'print(sum(j["kind"] == "notify" for j in d))'; }

start_node clinic clinic "accept = any" || { not_ok "the clinic starts"; done_testing; }
make_node county county "accept = any
retry_min = 1
retry_max = 1
quiet = 1
$(node_lines clinic)
$(node_lines ris)
$(node_lines deaf)
route \"tell\" {
 action = notify
 to = clinic
 modality = CT
}
route \"tell_ris\" {
 action = notify
 to = ris
}
route \"other\" {
 action = notify
 to = deaf
 modality = US
}"
serve_node county || { not_ok "the county starts"; done_testing; }
check "four images of a study are stored" load
check "its quiet time makes an event" wait_for 10 '[ "$(events)" = 1 ]'
check "the clinic is told" wait_for 10 '[ "$(pacs clinic --json notice list | py "print(len(d[\"notices\"]))")" = 1 ]'
is "$(pacs clinic --json notice list | py 'n = d["notices"][0]; print(n["calling"], n["availability"], n["retrieve"], n["series"], n["instances"])')" \
   "COUNTY ONLINE COUNTY 1 4" "of four images that are online there"
check_says "ONLINE" "the table shows it" pacs clinic notice list
is "$(jobs sent clinic)" 1 "the job is done"
check "one for a node that is not there waits" wait_for 10 '[ "$(jobs waiting ris)" = 1 ]'
is "$(jobs '' deaf)" 0 "a rule for another modality makes none"

kill_node county
serve_node county
"$PEER" serve --port "${PORT[ris]}" > "$T/ris.said" 2>&1 & PID[ris]=$!
check "after a kill it gets there" wait_for 15 "grep -q 'instances 4 ONLINE at COUNTY' '$T/ris.said'"
check "and the job is done" wait_for 5 '[ "$(jobs sent ris)" = 1 ]'
is "$(events)" 1 "the kill made no second event"

create() { "$PEER" create --port "${PORT[clinic]}" --called CLINIC --calling RIS --study 1.2.9 --series 1.2.9.1 "$@"; }
check_says "N-CREATE-RSP 0000 1.2.3.4" "any peer's notification is taken" create --uid 1.2.3.4 $CT 1.2.9.1.1
check_says "N-CREATE-RSP 0111" "the same once more is a duplicate" create --uid 1.2.3.4 $CT 1.2.9.1.1
check_says "N-CREATE-RSP 0000 2.25." "one without a UID gets one" create $CT 1.2.9.1.1
check_says "N-CREATE-RSP 0120" "one without instances is refused" create --uid 1.2.3.5
done_testing
