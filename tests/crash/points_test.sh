#!/usr/bin/env bash
# The clinic's receiver and router killed once at each durable step, while everything runs.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/crash/chain.sh"
chain_image || { not_ok "a phantom is made"; done_testing; }
for point in $CRASH_POINTS_INGEST; do chain_point "clinic-storescp:$point:3"; done
for point in $CRASH_POINTS_ROUTER; do chain_point "clinic-router:$point:2"; done
done_testing
