#!/usr/bin/env bash
# Router and storescp killed at each durable point of a correction and of a deletion: what was answered is done after a restart, once, and
# index, files and jobs agree. Needs the fault build.
PACS_BIN=${PACS_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/fault/bin}
. "$(dirname "$0")/../lib/sys.sh"
"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
make_node n county 'accept = any
node "dead" {
 aet = DEAD
 host = "127.0.0.1"
 port = 9
}
route "up" {
 action = forward
 to = dead
 calling = "UP"
}'
# Without the supervisor: it would start the programs again with the same order to die.
program() { local name=$1; shift; env "$@" "$BIN/$name" -C "$T/n" 2>> "$T/n.log" & PID[$name]=$!; }
ready() { "$BIN/pacs" -C "$T/n" wait --timeout 20 > /dev/null; }
study() { timeout 60 "$BIN/pacs" -C "$T/n" study "$@"; }
load() { "$TOOLS/load" --port "${PORT[n]}" --called N --calling "$1" --count 6 --per-study 3 "$SMALL" > /dev/null; }
files() { find "$T/n/store" -name '*.dcm' | wc -l; }
list() { study list --json | python3 -c 'import json,sys; print("\n".join(sorted(s["study"] + " " + s["description"] for s in json.load(sys.stdin))))'; }
describes() { study show --json "$1" | python3 -c 'import json,sys; print(json.load(sys.stdin)["description"])'; }
edits() { study edits --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }
jobs() { "$BIN/pacs" -C "$T/n" --json queue list --limit 1000 | grep -c "\"study\": \"$1\""; }
stopped() { ! kill -0 "$1" 2> /dev/null; }
# dies PROGRAM POINT COMMAND...   the program is started to die at the point, which the command brings about
dies()
{
	local name=$1 point=$2; shift 2
	kill -TERM "${PID[$name]}"; wait "${PID[$name]}" 2> /dev/null
	rm -f "$T/n/run/$name.sock"
	program "$name" PACS_CRASH="$point"
	local victim=${PID[$name]}
	ready
	"$@" > "$T/out.txt" 2>&1 & local asker=$!
	wait_for 30 "stopped $victim"
	wait "$victim" 2> /dev/null
	is $? 137 "$point kills $name"
	program "$name"
	ready
	wait "$asker"
	ASKED=$?
}

program storescp; program router
ready || not_ok "the node starts"
load CR1
A=$(list | sed -n '1s/ .*//p'); B=$(list | sed -n '2s/ .*//p')

n=0
for at in router_edit_journal:1 router_edit_journaled:1 router_edit_followed:1; do
	before=$(edits)
	dies router "$at" study tag "$A" "StudyDescription=at $((n += 1))"
	case $at in
	router_edit_journal:1) is "$(edits)" "$before" "... before it was written: there is no such edit" ;;
	*) check "... and the edit is applied" wait_for 20 '[ "$(describes "$A")" = "at $n" ]'
	   is "$(edits)" $((before + 1)) "... once" ;;
	esac
done
for at in edit-commit:1 edit-applied:1; do
	before=$(edits)
	dies storescp "$at" study tag "$A" "StudyDescription=at $((n += 1))"
	check "... and the edit is applied after its restart" wait_for 20 '[ "$(describes "$A")" = "at $n" ]'
	is "$(edits)" $((before + 1)) "... once"
	is "$ASKED" 0 "... and who asked for it was told so"
done
dies storescp edit-commit:1 study merge "$A" "$B" --patient
check "a merge is applied after storescp's restart" wait_for 20 '[ "$(study list --json | grep -c "\"study\"")" = 1 ]'
check "index and disk agree" "$BIN/pacs" -C "$T/n" verify --young 0

# ---- deletions: jobs that wait for a dead node, files ----
for at in storescp:edit-commit:1 storescp:edit-applied:1 storescp:recover-unlink:1 router:router_edit_journaled:1 router:router_edit_followed:1; do
	load UP
	wait_for 20 '[ "$("$BIN/pacs" -C "$T/n" --json queue list --limit 1000 | grep -c "\"study\"")" -ge 6 ]'
	C=$(list | grep -v "^$A " | sed -n '1s/ .*//p')
	before=$(files)
	dies "${at%%:*}" "${at#*:}" study delete "$C" --reason "crash test" --yes --force
	check "... and the study is gone" wait_for 20 '! list | grep -q "^$C "'
	check "... with its files" wait_for 20 '[ "$(files)" = $((before - 3)) ]'
	check "... and its jobs" wait_for 20 '[ "$(jobs "$C")" = 0 ]'
	check "... and index and disk agree" "$BIN/pacs" -C "$T/n" verify --young 0
done
done_testing
