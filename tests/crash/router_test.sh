#!/bin/bash
# The router killed at each of its durable points (router/router.h): after a restart every image is at its destination,
# no job is open, doubled or lost, and nothing is left in the spool. Needs the fault build.
PACS_BIN=${PACS_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/fault/bin}
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
N=12

PORT[peer]=$(free_port)
mkdir "$T/peer.in"
storescp -od "$T/peer.in" -aet PEER +xa "${PORT[peer]}" > "$T/peer.log" 2>&1 &
PID[peer]=$!

make_node clinic clinic "accept = any
retry_min = 1
retry_max = 1
node \"peer\" {
 aet = PEER
 host = \"127.0.0.1\"
 port = ${PORT[peer]}
}
route \"small\" {
 action = compress
 codec = jpeg2000
}
route \"up\" {
 action = forward
 to = peer
}"

# Without the supervisor: it would start the router again with the same order to die.
program() { local name=$1; shift; env "$@" "$BIN/$name" -C "$T/clinic" 2>> "$T/clinic.log" & PID[$name]=$!; }
stopped() { ! kill -0 "$1" 2>/dev/null; }
at_peer() { [ "$(find "$T/peer.in" -type f | wc -l)" -ge "$1" ]; }
open_jobs() { pacs clinic --json queue list --limit 5000 | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(len(d["jobs"] if isinstance(d, dict) else d))'; }
no_open_jobs() { [ "$(open_jobs)" = 0 ]; }

program storescp
wait_for 20 '[ -S "$T/clinic/run/storescp.sock" ]' || { not_ok "storescp starts"; done_testing; }
total=0
for point in router_planned:1 router_commit:1 router_commit:3 router_commit:6 router_committed:1 router_committed:4 \
             router_delivered:1 router_delivered:5 router_compressed:1 router_synced:2 router_swapped:1 router_swapped:3; do
	program router PACS_CRASH="$point"
	victim=${PID[router]}
	"$TOOLS/load" --port "${PORT[clinic]}" --called CLINIC --calling CT1 --count $N --per-study 4 "$FILE" > "$T/load.out" 2>&1 || note "$(cat "$T/load.out")"
	total=$((total + N))
	if ! wait_for 20 "stopped $victim"; then
		not_ok "$point is reached"
		kill -KILL "$victim"
	fi
	wait "$victim" 2>/dev/null
	is $? 137 "$point kills the router"
	program router
	check "... and every image arrives after the restart" wait_for 30 "at_peer $total && no_open_jobs"
	is "$(find "$T/clinic/spool" -type f -size +0 | wc -l)" 0 "... with nothing left in the spool"
	stop_node router
	is $? 0 "... and the router ends cleanly"
done
is "$(find "$T/peer.in" -type f | wc -l)" "$total" "no image is there twice under another name"
done_testing
