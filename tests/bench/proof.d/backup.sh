#!/usr/bin/env bash
# Backup: the full-size index is copied while its node runs and takes in images; what is restored has the same rows and its database
# is sound, and a node starts on it.
set -u
to=$PROOF_WORK/backup restored=$PROOF_WORK/restored
pid=
end() { [ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null; rm -rf "$to" "$restored"; }
trap end EXIT
rm -rf "$to" "$restored"
counts() { /usr/bin/python3 - "$1/index.db" <<'PY'
import sqlite3, sys
d = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
print([d.execute("SELECT count(*), coalesce(max(id), 0), coalesce(sum(id), 0) FROM %s" % t).fetchone() for t in ("patient", "study", "series", "instance")])
PY
}
before=$(counts "$PROOF_DIR")
"$PROOF_BIN/pacs" -C "$PROOF_DIR" serve >"$PROOF_WORK/backup.log" 2>&1 & pid=$!
"$PROOF_BIN/pacs" -C "$PROOF_DIR" wait --timeout 60 >/dev/null || exit 1
from=$(date +%s)
# The filled folder has no files, and backup says so (4); of the databases it must have all.
"$PROOF_BIN/pacs" -C "$PROOF_DIR" backup "$to" 2>&1 | tail -3 >"$PROOF_WORK/backup.out"; r=${PIPESTATUS[0]}
[ $r = 0 ] || [ $r = 4 ] || { cat "$PROOF_WORK/backup.out"; exit 1; }
echo "# backup of $(stat -c %s "$PROOF_DIR/index.db" | awk '{ printf "%.1f GB", $1 / 1e9 }') of index: $(( $(date +%s) - from )) s"
kill "$pid"; wait "$pid" 2>/dev/null; pid=
from=$(date +%s)
"$PROOF_BIN/pacs" restore "$to" "$restored" 2>&1 | tail -3 >"$PROOF_WORK/backup.out"; r=${PIPESTATUS[0]}
[ $r = 0 ] || [ $r = 4 ] || { cat "$PROOF_WORK/backup.out"; exit 1; }
echo "# restored in $(( $(date +%s) - from )) s"
after=$(counts "$restored")
[ "$before" = "$after" ] || { echo "# rows were $before, are $after"; exit 1; }
sed -i "s/^port = .*/port = $(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1")->sockport')/" "$restored/pacs.conf"
"$PROOF_BIN/pacs" -C "$restored" serve >"$PROOF_WORK/backup.log" 2>&1 & pid=$!
"$PROOF_BIN/pacs" -C "$restored" wait --timeout 60 >/dev/null || { tail -3 "$PROOF_WORK/backup.log"; exit 1; }
rm -f "$PROOF_WORK/backup.log" "$PROOF_WORK/backup.out"
