#!/bin/bash
# Storage commitment, both roles: between our own nodes, with a peer that does what it is told, and what peers do wrong.
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
CT=1.2.840.10008.5.1.4.1.1.2
DX=1.2.840.10008.5.1.4.1.1.1.1
PEER=$TOOLS/commit_peer
for p in cr1 faithful forgetful denying silent blind sworn; do PORT[$p]=$(free_port); done

# peer NAME OPTIONS...   a receiver with storage commitment; what it hears is in $T/NAME.said
peer() { local name=$1; shift; "$PEER" serve --port "${PORT[$name]}" "$@" >> "$T/$name.said" 2>&1 & PID[$name]=$!; wait_for 10 "grep -q ready '$T/$name.said'"; }
node_lines() { printf 'node "%s" {\n aet = %s\n host = "127.0.0.1"\n port = %s\n%s\n}\n' "$1" "${1^^}" "${PORT[$1]}" "${2:-}"; }
route_lines() { printf 'route "to_%s" {\n action = forward\n to = %s\n%s\n}\n' "$1" "$1" "${2:-}"; }
load() { "$TOOLS/load" --port "${PORT[$1]}" --called "${1^^}" --calling "$2" --per-study 10 --count "$3" "$FILE"; }
jq_() { python3 -c "import json, sys
d = json.load(sys.stdin)
$1"; }
# jobs NODE STATE TO   how many; confirm NODE TO WHAT   how many sent ones stand so with their confirmation
jobs() { pacs "$1" --json queue list --state "$2" --to "$3" --limit 5000 | jq_ 'print(len(d))'; }
has_jobs() { [ "$(jobs "$1" "$2" "$3")" = "$4" ]; }
confirm() { pacs "$1" --json queue list --state sent --to "$2" --limit 5000 | jq_ "print(sum(j['confirm'] == '$3' for j in d))"; }
has_confirm() { [ "$(confirm "$1" "$2" "$3")" = "$4" ]; }
duties() { pacs county --json commitment list | jq_ "print(sum(x['state'] == '$1' for x in d['duties']))"; }
has_duties() { [ "$(duties "$1")" = "$2" ]; }
said() { grep -c "$2" "$T/$1.said"; }

LINES="retry_min = 1
retry_max = 1
commit_wait = 2
$(node_lines cr1)
node \"clinic\" {
 aet = CLINIC
}
node \"lone\" {
 aet = LONE
}"
start_node county county "$LINES" || { not_ok "the county starts"; done_testing; }
PORT[up]=${PORT[county]}
LINES="accept = any
retry_min = 1
retry_max = 1
commit_wait = 2
node \"up\" {
 aet = COUNTY
 host = \"127.0.0.1\"
 port = ${PORT[county]}
}
$(node_lines faithful)
$(node_lines forgetful)
$(node_lines denying)
$(node_lines silent)
$(node_lines blind)
$(node_lines sworn ' commit = yes')
$(route_lines up 'calling = CT1')
$(route_lines faithful 'calling = C_FAITHFUL')
$(route_lines forgetful 'calling = C_FORGETFUL')
$(route_lines denying 'calling = C_DENYING')
$(route_lines silent 'calling = C_SILENT')
$(route_lines blind 'calling = C_BLIND')
$(route_lines sworn 'calling = C_SWORN')"
start_node clinic clinic "$LINES" || { not_ok "the clinic starts"; done_testing; }

# ---- between our own nodes, without more than a forwarding route ----
check "twelve images are stored at the clinic" load clinic CT1 12
check "the county confirms all of them" wait_for 20 'has_jobs clinic confirmed up 12'
is "$(pacs clinic --json commitment list | jq_ 'print(len(d["nodes"]))')" 0 "nothing waits for a confirmation any more"
check "the county has reported" wait_for 5 '[ "$(duties reported)" -ge 1 ]'
is "$(duties checked)" 0 "and owes nothing"
check_says "Nothing waits for a confirmation" "the table says so in words" pacs clinic commitment list

# ---- as provider: each reason ----
mapfile -t UIDS < <(pacs clinic --json queue list --state confirmed --to up | jq_ 'print("\n".join(sorted(j["sop_instance"] for j in d)))')
ask() { local calling=$1 transaction=$2; shift 2; "$PEER" ask --port "${PORT[county]}" --called COUNTY --calling "$calling" --transaction "$transaction" "$@"; }
check_says "event 1 1.2.826.1 1" "a kept image is committed, on the same association" ask LONE 1.2.826.1 --wait 5000 $CT "${UIDS[0]}"
check_says "event 2 1.2.826.2 4" "of several some are not" ask LONE 1.2.826.2 --wait 5000 $CT "${UIDS[0]}" $CT 1.2.3.4 $DX "${UIDS[1]}" 1.2.3.99 1.2.3.5
ask LONE 1.2.826.3 --wait 5000 $CT "${UIDS[0]}" $CT 1.2.3.4 $DX "${UIDS[1]}" 1.2.3.99 1.2.3.5 > "$T/reasons" 2>&1
for r in "${UIDS[0]} 0000" "1.2.3.4 0112" "${UIDS[1]} 0119" "1.2.3.5 0122"; do check_says "$r" "... ${r#* }" grep -F "$r" "$T/reasons"; done
check_says "event 1 1.2.826.1 1" "the same request again is answered again" ask LONE 1.2.826.1 --wait 5000 $CT "${UIDS[0]}"
check_says "0131" "its Transaction UID for another is a duplicate" ask LONE 1.2.826.1 --wait 5000 $CT "${UIDS[1]}"
check_says "N-ACTION-RSP 0123" "another action is refused" ask LONE 1.2.826.4 --type 2 $CT "${UIDS[0]}"
check_says "N-ACTION-RSP 0112" "another instance than the well-known one too" ask LONE 1.2.826.4 --instance 1.2.3 $CT "${UIDS[0]}"
check_says "N-ACTION-RSP 0115" "a Transaction UID that is none too" ask LONE 1.2.x $CT "${UIDS[0]}"
check_says "N-ACTION-RSP 0120" "a request that names nothing too" ask LONE 1.2.826.5
check_says "N-ACTION-RSP 0115" "an instance named twice too" ask LONE 1.2.826.5 $CT "${UIDS[0]}" $CT "${UIDS[0]}"
FIRST=$(find "$T/county/store" -name '*.dcm' | sort | head -1)
BROKEN=$(dcmdump +P 0008,0018 "$FIRST" | sed 's/.*\[//; s/\].*//')
chmod u+w "$FIRST"
printf '\377\377' | dd of="$FIRST" bs=1 seek=$(($(stat -c %s "$FIRST") - 9)) conv=notrunc 2>/dev/null
check_says "$BROKEN 0110" "a kept file whose bytes have changed is not committed" ask LONE 1.2.826.6 --wait 5000 $CT "$BROKEN"

# ---- the result on an association of our own; the caller is not there for a while ----
check_says "N-ACTION-RSP 0000" "a modality asks and goes away at once" ask CR1 1.2.826.10 $CT "${UIDS[2]}"
check "its result is tried, and waits" wait_for 15 'pacs county --json commitment list | grep -q unreachable'
kill_node county
serve_node county
is "$(duties checked)" 1 "a kill of the node changes nothing"
peer cr1
check "the modality gets it when it is there" wait_for 20 "grep -q 'event 1 1.2.826.10 1' '$T/cr1.said'"
check_says "role scu=0 scp=1" "in the role of SCP" cat "$T/cr1.said"
check "nothing is owed then" wait_for 5 'has_duties checked 0'
check_says "N-ACTION-RSP 0000" "one without an address asks" ask LONE 1.2.826.11 $CT "${UIDS[2]}"
check_says "no host and port" "the list says what its node section lacks" eval "wait_for 10 'has_duties checked 1'; pacs county commitment list"

# ---- as user: what a provider may say ----
peer faithful; peer forgetful --reason 0112; peer denying --reason 0122; peer silent --silent; peer blind --refuse; peer sworn --refuse
for p in faithful forgetful denying silent blind sworn; do load clinic "C_${p^^}" 3 > "$T/load.out" 2>&1 || not_ok "images for $p are stored" "$(cat "$T/load.out")"; done
check "a provider that commits: confirmed" wait_for 15 'has_jobs clinic confirmed faithful 3'
check "one that does not offer it: sent, and nothing is wanted" wait_for 15 'has_jobs clinic sent blind 3 && has_confirm clinic blind "" 3'
check "one that must (commit = yes): wanted on" wait_for 15 'has_confirm clinic sworn wanted 3'
check_says "does not accept" "... and the list says why not yet" eval "wait_for 10 'pacs clinic commitment list | grep -q accept'; pacs clinic commitment list"
check "one that will never commit: held" wait_for 15 'has_jobs clinic held denying 3'
check_says "0122" "... with the reason" pacs clinic queue list --to denying --state held
check "one that never reports is asked again" wait_for 20 '[ "$(said silent action)" -ge 2 ]'
is "$(confirm clinic silent '')" 0 "... and not believed"
check "one that has lost them gets them again, and after four times a person" wait_for 60 'has_jobs clinic held forgetful 3'
is "$(said forgetful stored)" 12 "... each sent four times"
check_says "sent 4 times" "... and the queue says so" pacs clinic queue list --to forgetful --state held

# ---- results that must not count ----
TU=$(grep -m1 action "$T/silent.said" | cut -d' ' -f2)
SOP=$(grep -m1 stored "$T/silent.said" | cut -d' ' -f2)
report() { "$PEER" report --port "${PORT[clinic]}" --called CLINIC "$@"; }
check_says "N-EVENT-REPORT-RSP 0115" "another node's word for it is refused" report --calling FAITHFUL --transaction "$TU" $CT "$SOP"
check_says "N-EVENT-REPORT-RSP 0124" "a stranger's too" report --calling NOBODY --transaction "$TU" $CT "$SOP"
check_says "N-EVENT-REPORT-RSP 0115" "an unknown transaction too" report --calling SILENT --transaction 1.2.3 $CT "$SOP"
check_says "N-EVENT-REPORT-RSP 0113" "an unknown event too" report --calling SILENT --type 3 --transaction "$TU" $CT "$SOP"
is "$(jobs clinic confirmed silent)" 0 "none of them confirmed anything"
check_says "N-EVENT-REPORT-RSP 0000" "a result that comes late, on an association of its own, is taken" report --calling SILENT --transaction "$TU" $CT "$SOP"
is "$(jobs clinic confirmed silent)" 1 "and confirms what it names, no more"
check_says "N-EVENT-REPORT-RSP 0000" "the same again is answered with success" report --calling SILENT --no-role --transaction "$TU" $CT "$SOP"
done_testing
