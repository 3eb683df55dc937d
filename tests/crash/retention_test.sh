#!/usr/bin/env bash
# storescp killed while a study is removed: before the commit it is all there, after it all gone. Needs the fault build.
PACS_BIN=${PACS_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/fault/bin}
. "$(dirname "$0")/../lib/sys.sh"
"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
make_node n county 'accept = any
route "small" {
 action = compress
 codec = jpeg2000
 calling = "NEW"
}
retention "rest" {
 calling = "OLD"
 quota = 1
}'
# Without the supervisor: it would start storescp again with the same order to die.
program() { local name=$1; shift; env "$@" "$BIN/$name" -C "$T/n" 2>> "$T/n.log" & PID[$name]=$!; }
ready() { "$BIN/pacs" -C "$T/n" wait --timeout 20 > /dev/null; }
files() { find "$T/n/store" -name '*.dcm' | wc -l; }
program storescp; program router
ready || not_ok "the node starts"
# The router commits its cursor when there is work to commit: the last study makes some, so that all before it count as planned.
"$TOOLS/load" --port "${PORT[n]}" --called N --calling OLD --count 60 --per-study 15 "$SMALL" > /dev/null
"$TOOLS/load" --port "${PORT[n]}" --called N --calling NEW --count 1 "$SMALL" > /dev/null
wait_for 20 '[ "$(pacs n --json retention | grep -c "would go")" -ge 1 ]' || not_ok "a study is above the quota" "$(pacs n retention)"
for at in retire-commit:1 recover-unlink:1; do
	kill -TERM "${PID[storescp]}"; wait "${PID[storescp]}" 2> /dev/null
	rm -f "$T/n/run/storescp.sock"
	before=$(files)
	program storescp PACS_CRASH=$at
	ready
	"$BIN/pacs" -C "$T/n" retention --apply > "$T/apply.txt" 2>&1
	wait "${PID[storescp]}" 2> /dev/null
	is $? 137 "$at kills storescp"
	program storescp
	ready
	case $at in
	retire-commit:1) is "$(files)" "$before" "... and after a restart too: nothing was decided yet" ;;
	*) is "$(files)" $((before - 15)) "... and after a restart the study is gone from the disk, as it is from the index" ;;
	esac
	"$BIN/pacs" -C "$T/n" --json verify --young 0 > "$T/v.json"
	is $? 0 "... and index and disk agree"
done
done_testing
