#!/usr/bin/env bash
# A program that dies again and again because the disk is full is started as soon as there is room, not when its back-off ends.
# Runs in a mount namespace; where that is not allowed, skipped with the reason.
if [ -z "${PACS_ROOM_NS:-}" ]; then
	for how in "unshare -m" "unshare -rm"; do
		if $how mount -t tmpfs -o size=1m none /mnt 2>/dev/null; then PACS_ROOM_NS=1 exec $how "$0" "$@"; fi
	done
	echo "1..0 # SKIP no mount namespace may be made here"
	exit 0
fi
. "$(dirname "$0")/../lib/sys.sh"

mkdir "$T/small"
mount -t tmpfs -o size=64m none "$T/small" || { skip "a disk that is full" "no tmpfs may be mounted here"; done_testing; }
unmount() { cleanup 2>/dev/null; umount "$T/small"; rmdir "$T/small" "$T" 2>/dev/null; }
trap unmount EXIT
PORT[n]=$(free_port)
"$BIN/pacs" init "$T/small" --aet N --level clinic --port "${PORT[n]}" >/dev/null || { not_ok "init on the small disk"; done_testing; }
printf '\nlisten = "127.0.0.1"\nreserve = 1\n' >> "$T/small/pacs.conf"
ln -s small "$T/n"
serve_node n || { not_ok "the node starts"; done_testing; }

VICTIM=$(child_pid n router)
rm -f "$T"/small/work.db*       # it must make them anew; with the router's death their space is free, and taken at once
kill -KILL "$VICTIM"
head -c 64m /dev/zero > "$T/small/filler" 2>/dev/null
check "it dies again and again, later and later" wait_for 20 "grep 'child=router' '$T/n.log' | grep -q restart_in_s=8"
rm "$T/small/filler"
check "with room again it is started before its back-off ends" wait_for 3 "grep -q child_may_start '$T/n.log' && pacs n queue list"
done_testing
