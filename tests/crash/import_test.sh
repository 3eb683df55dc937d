#!/usr/bin/env bash
# storescp killed at each durable step while images are imported: the import goes on, each image is there once. Needs the fault build.
PACS_BIN=${PACS_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/fault/bin}
. "$(dirname "$0")/../lib/sys.sh"
. "$(dirname "$0")/../lib/objects.sh"
make_object "$T/one" sop=1.2.826.0.1.3680043.9.9.1.1.100000 study=1.2.826.0.1.3680043.9.9
make_node n county 'accept = any'
# Without the supervisor the program is killed once only, and started again here.
start() { env "$@" "$BIN/storescp" -C "$T/n" 2>> "$T/n.log" & PID[storescp]=$!; wait_for 20 "[ -S '$T/n/run/storescp.sock' ]"; }
first=0
for at in rename:5 dir-sync:2 before-commit:2 after-commit:2 before-answer:2; do
	python3 "$ROOT/tests/lib/copies.py" "$T/one" "$T/$at" 60 $first
	first=$((first + 60))
	rm -f "$T/n/run/storescp.sock"
	start "PACS_CRASH=$at"
	"$BIN/pacs" -C "$T/n" import "$T/$at" > "$T/out" 2>&1 & IMPORT=$!
	wait "${PID[storescp]}"; is "$?" 137 "storescp dies at $at"
	rm -f "$T/n/run/storescp.sock"
	start NOTHING=1
	wait "$IMPORT"; is "$?" 0 "the import ends well"
	is "$(pacs n --json status 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["index"]["images"])')" "$first" "with $first images"
	is "$(find "$T/n/store" -name '*.dcm' | wc -l)" "$first" "as many files"
	is "$(find "$T/n/spool" -type f | wc -l)" 0 "and nothing in the spool"
	kill -TERM "${PID[storescp]}"; wait "${PID[storescp]}"; unset "PID[storescp]"
done
done_testing
