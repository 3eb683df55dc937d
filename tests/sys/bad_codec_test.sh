#!/bin/bash
# A codec that crashes, hangs, lies or is refused its memory: two tries, then the job is held; the original stays as it was, and
# the node goes on.
. "$(dirname "$0")/../lib/sys.sh"

"$TOOLS/phantom" --out "$T/in" --set test --seed 3 || { not_ok "phantoms are made"; done_testing; }
mkdir "$T/bin"
for p in pacs storescp router; do cp "$BIN/$p" "$T/bin/"; done
cp "$ROOT/tests/lib/bad_worker.py" "$T/bin/xcode-worker" && chmod +x "$T/bin/xcode-worker"
GOOD=$BIN
BIN=$T/bin
start_node n clinic 'accept = any
retry_min = 1
retry_max = 1
worker_timeout = 1
route "small" { action = compress }'
held() { pacs n --json queue list --state held | python3 -c 'import json,sys; j=json.load(sys.stdin); j=j if isinstance(j,list) else j["jobs"]; print(len(j), j[-1]["why"] if j else "")'; }
count=0
for case in 'crash t_u12 died by signal 11' 'hang t_u10 did not answer within 1 s' 'lie t_s16 says digest'; do
	read -r how image words <<< "$case"
	echo "$how" > "$T/bin/how"
	count=$((count + 1))
	storescu -aet CR1 -aec N 127.0.0.1 "${PORT[n]}" "$T/in/$image.dcm"
	wait_for 20 "[ \"\$(held | cut -d' ' -f1)\" = $count ]" && ok "a codec that does '$how': the job is held" ||
		not_ok "a codec that does '$how': the job is held" "$(pacs n queue list)"
	case $(pacs n queue list --state held) in *"$words"*) ok "with the reason: $words" ;; *) not_ok "with the reason: $words" "$(pacs n queue list --state held)" ;; esac
done
is "$(grep -c 'compress.*job=refused' "$T/n.log")" 3 "each is logged"
bad=
for f in $(find "$T/n/store" -name '*.dcm'); do dcmdump -q +P 0002,0010 "$f" | grep -q LittleEndianExplicit || bad="$bad $f"; done
is "$bad $(find "$T/n/store" -name '*.dcm' | wc -l)" " 3" "the originals stay as they came"
check_says "ERROR_FREE" "a C-ECHO is answered all the same" bash -c "echoscu -aet CR1 -aec N 127.0.0.1 ${PORT[n]} && echo ERROR_FREE"
cp "$GOOD/xcode-worker" "$T/bin/xcode-worker.new" && mv "$T/bin/xcode-worker.new" "$T/bin/xcode-worker"
pacs n queue retry --all >/dev/null
wait_for 20 '[ "$(held | cut -d" " -f1)" = 0 ]' && ok "with a good codec and a retry all are compressed" || not_ok "with a good codec and a retry all are compressed" "$(pacs n queue list)"
stop_node n

# Memory: an image that would need more than there may be.
BIN=$GOOD
start_node small clinic 'accept = any
retry_min = 1
retry_max = 1
worker_memory = 64
route "small" { action = compress codec = "jpeg2000" }'
"$TOOLS/phantom" --out "$T/demo" --seed 3
storescu -aet CR1 -aec SMALL 127.0.0.1 "${PORT[small]}" "$T/demo/dr_chest.dcm"
wait_for 30 '[ "$(pacs small queue list --state held | grep -c "worker_memory is 64 MB")" = 1 ]' && ok "an image too large for the memory of a worker is held, with figures" ||
	not_ok "an image too large for the memory of a worker is held, with figures" "$(pacs small queue list)"
is "$(dcmdump -q +P 0002,0010 "$(find "$T/small/store" -name '*.dcm')" | grep -c LittleEndianExplicit)" 1 "and stays as it came"
done_testing
