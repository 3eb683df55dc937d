#!/bin/bash
# index.db lost while the node runs: rebuilt from the files, noticed by the router, and nothing is sent twice or forgotten.
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
for p in peer dead; do PORT[$p]=$(free_port); done
load() { "$TOOLS/load" --port "${PORT[clinic]}" --called CLINIC --calling CT1 --per-study 3 --count "$1" "$FILE"; }
node_lines() { printf 'node "%s" {\n aet = %s\n host = "127.0.0.1"\n port = %s\n}\nroute "%s" {\n action = forward\n to = %s\n}\n' "$1" "${1^^}" "${PORT[$1]}" "$1" "$1"; }
stored() { grep -c '^stored' "$T/$1.said"; }
jobs() { pacs clinic --json queue list --state "$1" --to "$2" --limit 5000 | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
peer() { "$TOOLS/commit_peer" serve --port "${PORT[$1]}" > "$T/$1.said" 2>&1 & PID[$1]=$!; wait_for 10 "grep -q ready '$T/$1.said'"; }

peer peer
start_node clinic clinic "accept = any
retry_min = 1
retry_max = 1
$(node_lines peer)
$(node_lines dead)" || { not_ok "the node starts"; done_testing; }
check "six images are stored" load 6
check "they are forwarded and confirmed" wait_for 20 '[ "$(jobs confirmed peer)" = 6 ]'
is "$(jobs '' dead)" 6 "six more jobs wait for a node that is not there"

VICTIM=$(child_pid clinic storescp)
rm -f "$T"/clinic/index.db*
kill -KILL "$VICTIM"
check "the index is rebuilt from the files" wait_for 20 'images clinic 6'
check "the router notices" wait_for 10 "grep -q other_index '$T/clinic.log'"
check "two more images are stored" load 2
check "they are forwarded" wait_for 20 '[ "$(jobs confirmed peer)" = 8 ]'
is "$(stored peer)" 8 "and nothing was sent a second time"
is "$(jobs '' dead)" 8 "what waited waits on, once"
peer dead
check "and goes when its node is there" wait_for 20 '[ "$(jobs confirmed dead)" = 8 ]'
is "$(grep '^stored' "$T/dead.said" | sort -u | wc -l)" 8 "each image once"
done_testing
