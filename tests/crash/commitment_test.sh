#!/bin/bash
# Storage commitment, with the router killed at each point where something is promised or believed (router/router.h): what was
# acknowledged is reported, what was sent is confirmed, nothing twice in the tables. Needs the fault build.
PACS_BIN=${PACS_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/fault/bin}
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
CT=1.2.840.10008.5.1.4.1.1.2
PEER=$TOOLS/commit_peer
PORT[cr1]=$(free_port)

make_node county county "accept = any
retry_min = 1
retry_max = 1
node \"cr1\" {
 aet = CR1
 host = \"127.0.0.1\"
 port = ${PORT[cr1]}
}
node \"clinic\" {
 aet = CLINIC
}"
make_node clinic clinic "accept = any
retry_min = 1
retry_max = 1
commit_wait = 2
node \"up\" {
 aet = COUNTY
 host = \"127.0.0.1\"
 port = ${PORT[county]}
}
route \"up\" {
 action = forward
 to = up
}"
# Without the supervisor: it would start the router again with the same order to die.
program() { local node=$1 name=$2; shift 2; env "$@" "$BIN/$name" -C "$T/$node" 2>> "$T/$node.log" & PID[$node-$name]=$!; }
stopped() { ! kill -0 "$1" 2>/dev/null; }
# dies NODE POINT   waits for the end of its router, by SIGKILL
dies()
{
	local victim=${PID[$1-router]}
	if ! wait_for 20 "stopped $victim"; then
		not_ok "$2 is reached"
		kill -KILL "$victim"
	fi
	wait "$victim" 2>/dev/null
	is $? 137 "$2 kills the router"
}
answers() { [ -S "$T/$1/run/router.sock" ] && pacs "$1" queue list; }
count() { python3 -c "import json, sys
d = json.load(sys.stdin)
print($1)"; }
duties() { pacs county --json commitment list | count "sum(x['state'] == '$1' for x in d['duties'])"; }
confirmed() { pacs clinic --json queue list --state confirmed --to up --limit 5000 | count 'len(d)'; }
has_confirmed() { [ "$(confirmed)" = "$1" ] && [ "$(pacs clinic --json commitment list | count 'sum(n["wanted"] + n["asked"] + n["sending"] for n in d["nodes"])')" = 0 ]; }
ask() { "$PEER" ask --port "${PORT[county]}" --called COUNTY --calling CR1 "$@"; }

program county storescp
program clinic storescp
for n in county clinic; do wait_for 20 "[ -S '$T/$n/run/storescp.sock' ]" || { not_ok "$n starts"; done_testing; }; done
program county router
program clinic router
for n in county clinic; do wait_for 20 "answers $n" || { not_ok "the router of $n starts"; done_testing; }; done
"$PEER" serve --port "${PORT[cr1]}" > "$T/cr1.said" 2>&1 & PID[cr1]=$!

# ---- as user: killed between SENT and CONFIRMED ----
total=0
for point in router_asked:1 router_commit:5 router_committed:6 router_commit:8; do
	stop_node clinic-router
	program clinic router PACS_CRASH="$point"
	"$TOOLS/load" --port "${PORT[clinic]}" --called CLINIC --calling CT1 --count 4 --per-study 4 "$FILE" > "$T/load.out" 2>&1 || note "$(cat "$T/load.out")"
	total=$((total + 4))
	dies clinic "$point"
	program clinic router
	check "... and every image is confirmed after the restart" wait_for 30 "has_confirmed $total"
done

# ---- as provider: acknowledged, then killed ----
SOP=$(pacs clinic --json queue list --state confirmed --limit 1 | count 'd[0]["sop_instance"]')
n=0
for point in router_checked:1 router_reported:1; do
	n=$((n + 1))
	stop_node county-router
	program county router PACS_CRASH="$point"
	wait_for 20 'answers county'
	check_says "N-ACTION-RSP 0000" "a request is acknowledged" ask --transaction 1.2.826.$n $CT "$SOP"
	dies county "$point"
	program county router
	check "... and reported after the restart" wait_for 20 "grep -q 'event 1 1.2.826.$n 1' '$T/cr1.said'"
	check "... and nothing is owed" wait_for 10 '[ "$(duties checked)$(duties unchecked)" = 00 ]'
done

# ---- killed before the acknowledgement: the modality asks again, and is answered once ----
for point in router_commit:2 router_committed:2; do
	n=$((n + 1))
	stop_node county-router
	program county router PACS_CRASH=$point
	wait_for 20 'answers county'
	check_says "N-ACTION-RSP 0110" "killed before it could acknowledge: no success" ask --transaction 1.2.826.$n $CT "$SOP"
	dies county "$point"
	program county router
	wait_for 20 'answers county'
	check_says "N-ACTION-RSP 0000" "... the same request is taken then" ask --transaction 1.2.826.$n $CT "$SOP"
	check "... and reported" wait_for 20 "grep -q 'event 1 1.2.826.$n 1' '$T/cr1.said'"
	is "$(pacs county --json commitment list | count "sum(x['transaction'] == '1.2.826.$n' for x in d['duties'])")" 1 "... it stands in the table once"
done

# ---- owed over restarts ----
stop_node cr1
check_says "N-ACTION-RSP 0000" "a request of a modality that is not there to hear the result" ask --transaction 1.2.826.20 $CT "$SOP"
check "its report is tried" wait_for 15 'pacs county --json commitment list | grep -q unreachable'
for n in 1 2; do
	kill -KILL "${PID[county-router]}"
	wait "${PID[county-router]}" 2>/dev/null
	program county router
	wait_for 20 'answers county'
	is "$(duties checked)" 1 "it is owed after kill $n"
done
"$PEER" serve --port "${PORT[cr1]}" >> "$T/cr1.said" 2>&1 & PID[cr1]=$!
check "and delivered in the end" wait_for 20 "grep -q 'event 1 1.2.826.20 1' '$T/cr1.said'"
done_testing
