#!/usr/bin/env bash
# Slow, rude and broken peers beside good ones; see tests/lib/hostile.py.
. "$(dirname "$0")/../lib/sys.sh"
case $BIN in */asan/*|*/tsan/*) SLOW=5 LIMIT_MB=4096 ;; *) SLOW=1 LIMIT_MB=100 ;; esac

"$TOOLS/phantom" --out "$T/images" --set bench >/dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
start_node n clinic 'accept = any
artim = 1
idle = 2
log = error' || { not_ok "the node starts"; done_testing; }
check "a node with 1,000 images" "$TOOLS/load" --port "${PORT[n]}" --called N --count 1000 "$SMALL"
pid=$(child_pid n storescp)
while IFS= read -r line; do
	case $line in
	PASS*) ok "${line#PASS }" ;;
	FAIL*) not_ok "${line#FAIL }" ;;
	*) printf '%s\n' "$line" ;;
	esac
done < <(PACS_HOSTILE_SLOW=$SLOW python3 "$ROOT/tests/lib/hostile.py" "${PORT[n]}" N "$pid" "$SMALL" "${SEED:-1}" 2>&1)
is "$(child_pid n storescp)" "$pid" "storescp is the one that was started"
peak=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$pid/status")
[ "$peak" -lt $LIMIT_MB ] && ok "and never needed $LIMIT_MB MB" || not_ok "and never needed $LIMIT_MB MB" "$peak MB"
wait_for 10 '[ -z "$(find "$T/n/spool" -type f -size +0)" ]' && ok "nothing is left in the spool" || not_ok "nothing is left in the spool" "$(ls -l "$T/n/spool" | head -5)"
check "an unmodified client stores" storescu -aec N -aet OTHER 127.0.0.1 "${PORT[n]}" "$SMALL"
done_testing
