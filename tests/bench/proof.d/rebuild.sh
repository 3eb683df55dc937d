#!/usr/bin/env bash
# Rebuild: 60 thousand images with their files, taken in by `pacs import`; the index made from the files alone equals the old one.
# (The full-size folder has no files; six million of them would take longer to write than the whole proof may.)
set -u
studies=10000
node=$PROOF_WORK/rebuild
pid=
end() { [ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null; rm -rf "$node" "$node.files"; }
trap end EXIT
rm -rf "$node" "$node.files"
mkdir "$node.files"
"$PROOF_TOOLS/county_files" "$node.files" --studies $studies >/dev/null || exit 1
"$PROOF_BIN/pacs" init "$node" --aet REBUILD --level county --port "$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1")->sockport')" >/dev/null || exit 1
"$PROOF_BIN/pacs" -C "$node" serve >"$node.log" 2>&1 & pid=$!
"$PROOF_BIN/pacs" -C "$node" wait --timeout 30 >/dev/null || exit 1
from=$(date +%s.%N)
"$PROOF_BIN/pacs" -C "$node" --json import "$node.files" >"$node.json" || { tail -3 "$node.json"; exit 1; }
to=$(date +%s.%N)
images=$("$PROOF_BIN/pacs" -C "$node" --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["index"]["images"])')
echo "# imported $images images, $(perl -e "printf '%.0f', $images / ($to - $from)") images/s"
kill "$pid"; wait "$pid" 2>/dev/null; pid=
from=$(date +%s.%N)
"$PROOF_BIN/pacs" -C "$node" --json rebuild >"$node.json" || { tail -3 "$node.json"; exit 1; }
to=$(date +%s.%N)
echo "# rebuilt $(perl -e "printf '%.0f', $images / ($to - $from)") images/s"
mkdir "$node/old" && mv "$node/index.db.old" "$node/old/index.db"
/usr/bin/python3 tests/lib/equal_index.py "$node/old" "$node" "$PROOF_TOOLS/index_headers" >"$node.diff"; equal=$?
grep -v ' equal$' "$node.diff" | head -5 | cut -c1-300 | sed 's/^/# /'
rm -f "$node.json" "$node.diff" "$node.log"
[ $equal = 0 ] && [ "$images" -gt $((studies * 4)) ]
