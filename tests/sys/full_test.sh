#!/usr/bin/env bash
# A disk that is really full: a node on a small file system of its own, filled under load, with and without reserve.
# Runs in a mount namespace; where that is not allowed, skipped with the reason.
if [ -z "${PACS_FULL_NS:-}" ]; then
	for how in "unshare -m" "unshare -rm"; do
		if $how mount -t tmpfs -o size=1m none /mnt 2>/dev/null; then PACS_FULL_NS=1 exec $how "$0" "$@"; fi
	done
	echo "1..0 # SKIP no mount namespace may be made here"
	exit 0
fi
. "$(dirname "$0")/../lib/sys.sh"

SIZE=64m
mkdir "$T/small"
mount -t tmpfs -o size=$SIZE none "$T/small" || { skip "a disk that is full" "no tmpfs may be mounted here"; done_testing; }
unmount() { cleanup 2>/dev/null; umount "$T/small"; rmdir "$T/small" "$T" 2>/dev/null; }
trap unmount EXIT
free_kb() { df -k --output=avail "$T/small" | tail -1 | tr -d ' '; }
fill() { head -c "$((($(free_kb) - $1) * 1024))" /dev/zero > "$T/small/filler" 2>/dev/null; }
# What the peers were told against what is there: every acknowledged image indexed, its file whole; and nothing else about.
kept()
{
	python3 - "$T/small" "$1" "$SMALL" <<'P'
import os, sqlite3, sys
dir, acked, image = sys.argv[1:]
tail = open(image, "rb").read()[-30000:]
db = sqlite3.connect("file:%s/index.db?mode=ro" % dir, uri=True)
rows = {sop: oid for sop, oid in db.execute("SELECT sop_uid, oid FROM instance")}
wrong = []
for sop in open(acked).read().split():
    if sop not in rows:
        wrong.append("lost: " + sop)
def path(oid): return "%s/store/%04x/%03x/%012x.dcm" % (dir, oid >> 24 & 0xFFFF, oid >> 12 & 0xFFF, oid)
for sop, oid in rows.items():
    try:
        whole = open(path(oid), "rb").read()
        if len(whole) < 100000 and whole[-30000:] != tail:
            wrong.append("not whole: " + sop)
    except OSError as e:
        wrong.append(str(e))
known = {path(oid) for oid in rows.values()}
for d, _, files in os.walk(dir + "/store"):
    wrong += ["no row: " + f for f in files if os.path.join(d, f) not in known]
wrong += ["left: spool/" + f for f in os.listdir(dir + "/spool") if os.path.getsize(dir + "/spool/" + f)]      # empty ones are made ahead
print("\n".join(wrong[:10]) if wrong else "all kept")
P
}
result() { sed -n "s/.*$1=\([0-9]*\).*/\1/p" <<< "$2"; }

"$TOOLS/phantom" --out "$T/images" --set bench >/dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
DR=$(find "$T/images" -name '*dr*' | head -1)
PORT[n]=$(free_port)
dead=$(free_port)
"$BIN/pacs" init "$T/small" --aet N --level county --port "${PORT[n]}" >/dev/null || { not_ok "init on the small disk"; done_testing; }
printf '\nlisten = "127.0.0.1"\naccept = any\nreserve = 32\nquiet = 1\nretry_min = 1\n' >> "$T/small/pacs.conf"
ln -s small "$T/n"
pacs n node add GONE --aet GONE --host 127.0.0.1 --port "$dead" >/dev/null
pacs n route add up --action forward --to GONE >/dev/null
pacs n route add small --calling BIG --action compress --codec jpeg2000 >/dev/null
pacs n route add read --action worklist --group ALL >/dev/null
serve_node n || { not_ok "the node starts"; done_testing; }
: > "$T/acked"
load() { "$TOOLS/load" --port "${PORT[n]}" --called N --acked "$T/acked" "$@" 2>"$T/load.err"; }
pids="$(child_pid n storescp) $(child_pid n router)"

# ---- the reserve ----
out=$(load --associations 4 --count 1600 "$SMALL")
[ "$(result ok "$out")" -gt 100 ] && [ "$(result failed "$out")" -gt 100 ] && ok "images are taken down to the reserve, then refused" ||
	not_ok "images are taken down to the reserve, then refused" "$out"
is "$(sed -n 's/.*was answered \([0-9a-f]*\).*/\1/p' "$T/load.err" | sort -u)" a700 "with A700"
[ "$(free_kb)" -gt 2048 ] && ok "the reserve is not used up" || not_ok "the reserve is not used up" "$(free_kb) kB free"
is "$(kept "$T/acked")" "all kept" "every acknowledged image is kept, and nothing half-written"
check_says "TOO LITTLE" "status says why images are refused" pacs n status

# ---- without reserve: the file system itself says no ----
sed -i 's/^reserve = 32/reserve = 0/' "$T/small/pacs.conf"
check "the reserve is given up while it runs" pacs n reload
out=$(load --associations 4 --count 1200 "$SMALL")
[ "$(result failed "$out")" -gt 0 ] && ok "the disk is full" || not_ok "the disk is full" "$out"
is "$(sed -n 's/.*was answered \([0-9a-f]*\).*/\1/p' "$T/load.err" | sort -u)" a700 "which is A700 too"
is "$(grep -c 'line broke' "$T/load.err")" 0 "on associations that go on"
out=$(load --associations 2 --count 4 "$DR")
is "$(result failed "$out")" 4 "a big image is refused in its middle"
fill 0
out=$(load --associations 8 --count 100 "$SMALL")
is "$(result ok "$out")" 0 "with not a byte left nothing is taken"
is "$(kept "$T/acked")" "all kept" "every acknowledged image is kept, and nothing half-written"
check "C-ECHO is answered on a full disk" echoscu -aec N 127.0.0.1 "${PORT[n]}"
check "C-FIND too" findscu -S -aec N -k QueryRetrieveLevel=STUDY -k StudyInstanceUID 127.0.0.1 "${PORT[n]}"
check "status too" pacs n status

# ---- space is back ----
rm "$T/small/filler"
mount -o remount,size=120m "$T/small"
out=$(load --associations 4 --count 200 "$SMALL")
is "$(result ok "$out")" 200 "space is back: images are taken again, without a restart" || note "$out"
is "$(kept "$T/acked")" "all kept" "and every one is kept"
is "$(child_pid n storescp) $(child_pid n router)" "$pids" "storescp and router are the ones that were started"
n=$(field n index.images)
wait_for 20 'python3 -c "import sqlite3,sys; d=sqlite3.connect(\"file:$T/small/work.db?mode=ro\",uri=True); sys.exit(d.execute(\"select count(*) from job where to_name=?\",(\"GONE\",)).fetchone()[0] != $n)"' &&
	ok "the router has a job for each image" || not_ok "the router has a job for each image" "$(pacs n status; tail -5 "$T/n.log")"
wait_for 20 '[ "$(pacs n --json worklist list | python3 -c "import json,sys; print(len(json.load(sys.stdin)))")" = "$(field n index.studies)" ]' &&
	ok "and the worklist an item for each study" || not_ok "and the worklist an item for each study" "$(pacs n status; pacs n worklist list | tail -3)"

# ---- compression without space: the original stays until there is some ----
fill 15000
check "a big image fits, its compressed form does not" load --calling BIG --count 1 "$DR"
wait_for 20 'grep "event=compress .*job=failed" "$T/n.log"' && ok "its compression waits" || not_ok "its compression waits" "$(grep compress "$T/n.log")"
check_says "No space left" "with the reason" grep event=compress "$T/n.log"
rm "$T/small/filler"
wait_for 60 'grep "event=compress .*job=delivered.* bytes" "$T/n.log"' && ok "with space it is done by itself" || not_ok "with space it is done by itself" "$(grep compress "$T/n.log")"
is "$(field n index.images)" $((n + 1)) "there is one image more"
is "$(kept "$T/acked")" "all kept" "and every file has its row"

# ---- started on a full disk ----
stop_node n
# A codec worker may still be on its way out, with a file open that has no name any more: its space would come back behind us.
wait_for 20 '! ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q "$T/small"' || not_ok "nobody has a file open" "$(ls -l /proc/[0-9]*/fd 2>/dev/null | grep "$T/small")"
fill 0
"$BIN/pacs" -C "$T/n" serve >> "$T/n.out" 2>> "$T/n.log" &
PID[n]=$!
wait_for 20 'grep -q "event=cannot_start.*no space left" "$T/n.log"' && ok "a node started on a full disk says what it lacks" || not_ok "a node started on a full disk says what it lacks" "$(tail -5 "$T/n.log")"
rm "$T/small/filler"
check "it runs once there is space" pacs n wait --timeout 20
out=$(load --associations 2 --count 20 "$SMALL")
is "$(result ok "$out")" 20 "and stores"
is "$(kept "$T/acked")" "all kept" "and every acknowledged image is kept"
done_testing
