#!/usr/bin/env bash
# The long form of the crash and fault tests: 2,000 random kills in ten rounds, every durable step at several hits and at both
# nodes, every failing call. Exit 0 only if nothing acknowledged was lost, doubled or hidden.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/crash/chain.sh"
chain_image || { not_ok "a phantom is made"; done_testing; }
for t in "$ROOT"/build/fault/fault/*_test; do check "every failing call: $(basename "$t")" "$t"; done
for hits in 1 7; do
	for node in clinic county; do
		for point in $CRASH_POINTS_INGEST; do chain_point "$node-storescp:$point:$hits"; done
	done
	for point in $CRASH_POINTS_ROUTER; do chain_point "clinic-router:$point:$hits"; done
done
for round in 1 2 3 4 5 6 7 8 9 10; do chain_kills 200 "$round"; done
done_testing
