#!/usr/bin/env bash
# Queries and retrieval beside Orthanc (SQLite, its own defaults), at twenty thousand images, in one run.
#
#   tests/bench/archive_bench.sh [--studies N] [--markdown FILE]
#
# Both get the same files of a county (tests/bench/county_files) by storescu under TCP_NODELAY=1; then the same queries over a kept-open
# association (tests/bench/find), in turn; then C-GET and C-MOVE of 20 DR, and read() and send() of the same bytes. "orthanc" has its own defaults,
# "orthanc-nd" runs under TCP_NODELAY=1. Without Orthanc ours alone.
set -u
. "$(dirname "$0")/net.sh"
own_net "$0" "$@"
cd "$(dirname "$0")/../.." || exit 2
studies=3500 markdown=
while [ $# -gt 0 ]; do
	case $1 in
	--studies) studies=$2; shift 2 ;;
	--markdown) markdown=$2; shift 2 ;;
	*) sed -n '2,8p' "$0"; exit 2 ;;
	esac
done
bin=$PWD/build/bin tools=$PWD/build/release/tools
work=$(mktemp -d "${TMPDIR:-/tmp}/archive_bench.XXXXXX")
pids=
cleanup() {
	local p
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1")->sockport'; }
value() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p"; }
median() { tr ' ' '\n' | grep . | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }

declare -A port
port[ours]=$(free_port) port[orthanc]=$(free_port) port[orthanc-nd]=$(free_port)
receivers=ours listen=$(free_port)
"$bin/pacs" init "$work/ours" --aet BENCH --level county --port "${port[ours]}" >/dev/null || exit 1
sed -i 's/^# *charset = .*/charset = "GB18030"/' "$work/ours/pacs.conf"
"$bin/pacs" -C "$work/ours" node accept any >/dev/null || exit 1
"$bin/pacs" -C "$work/ours" node add getter --aet GETTER --host 127.0.0.1 --port "$listen" >/dev/null || exit 1
"$bin/pacs" -C "$work/ours" serve >"$work/ours.log" 2>&1 & pids="$pids $!"
"$bin/pacs" -C "$work/ours" wait --timeout 30 >/dev/null || { cat "$work/ours.log"; exit 1; }
start_orthanc() {        # NAME NODELAY FOLDER
	cat >"$work/$1.json" <<-J
	{ "Name": "bench", "StorageDirectory": "$3", "IndexDirectory": "$3", "DicomPort": ${port[$1]}, "HttpServerEnabled": false,
	  "DicomCheckCalledAet": false, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true, "DicomAlwaysAllowGet": true, "DicomAlwaysAllowMove": true,
	  "DicomModalities": { "getter": [ "GETTER", "127.0.0.1", $listen ] }, "DefaultEncoding": "Chinese", "Plugins": [] }
	J
	TCP_NODELAY=$2 Orthanc "$work/$1.json" >"$work/$1.log" 2>&1 & pids="$pids $!"
	orthanc_pid=$!
	for _ in $(seq 200); do echoscu 127.0.0.1 "${port[$1]}" >/dev/null 2>&1 && break; perl -e 'select undef,undef,undef,0.05'; done
}
if command -v Orthanc >/dev/null; then
	receivers="ours orthanc-nd"
	mkdir "$work/orthanc-nd"
	start_orthanc orthanc-nd 1 "$work/orthanc-nd"
fi

mkdir "$work/files"
images=$("$tools/county_files" "$work/files" --studies "$studies" | value images) || exit 1
for r in $receivers; do
	for site in "$work/files"/*/; do
		TCP_NODELAY=1 storescu -aec BENCH -aet "$(basename "$site")" +sd 127.0.0.1 "${port[$r]}" "$site" >/dev/null 2>"$work/scu.err" || { echo "storing in $r: $(tail -1 "$work/scu.err")"; exit 1; }
	done
done
"$tools/phantom" --out "$work/set" --set bench >/dev/null || exit 1
dr=$(find "$work/set" -name '*dr*' | head -1)
for r in $receivers; do
	TCP_NODELAY=1 "$tools/load" --port "${port[$r]}" --called BENCH --count 20 --per-study 20 "$dr" >/dev/null || exit 1
done
# The same archive once more, by a server with its own defaults: filled without them, as they would take a quarter of an hour.
if [ "$receivers" != ours ]; then
	kill "$orthanc_pid"; wait "$orthanc_pid" 2>/dev/null; pids=${pids/ $orthanc_pid/}
	cp -al "$work/orthanc-nd" "$work/orthanc"
	for f in "$work"/orthanc/index*; do cp "$f" "$f.own"; mv "$f.own" "$f"; done
	start_orthanc orthanc-nd 1 "$work/orthanc-nd"
	start_orthanc orthanc 0 "$work/orthanc"
	receivers="ours orthanc orthanc-nd"
fi
kinds="patient-id accession study-uid date-modality name-prefix wildcard"
declare -A p50 p99 without
for turn in 1 2 3; do
	for r in $receivers; do
		for k in $kinds; do
			runs=300; [ "$r" != orthanc ] || runs=60       # each of its answers waits 40 ms
			line=$("$tools/find" --port "${port[$r]}" --called BENCH --studies "$studies" --kinds "$k" --runs $runs) || { echo "$r, $k: $line"; exit 1; }
			p50[$r,$k]="${p50[$r,$k]:-} $(echo "$line" | value p50_ms)"
			p99[$r,$k]="${p99[$r,$k]:-} $(echo "$line" | value p99_ms)"
			without[$r,$k]=$(echo "$line" | value without)
		done
	done
done

declare -A rate moved
study_of() {     # the one study of 20 images
	TCP_NODELAY=1 findscu -S -aec BENCH -k QueryRetrieveLevel=STUDY -k StudyInstanceUID -k NumberOfStudyRelatedInstances -k PatientID="$(dcmdump +P PatientID "$dr" | sed 's/.*\[\(.*\)\].*/\1/')" 127.0.0.1 "$1" 2>&1 |
		sed -n 's/.*(0020,000d) UI \[\([0-9.]*\).*/\1/p' | tail -1
}
mkdir "$work/raw"
find "$work/ours/store" -name '*.dcm' -size +8M | head -20 | while read -r f; do ln -f "$f" "$work/raw/"; done
for _ in 1 2 3 4 5; do
	rate[raw]="${rate[raw]:-} $("$tools/get" --raw "$work/raw" --count 60 | value mb_per_s)"
	for r in $receivers; do
		study=$(study_of "${port[$r]}")
		rate[$r]="${rate[$r]:-} $("$tools/get" --port "${port[$r]}" --called BENCH --storage 1.2.840.10008.5.1.4.1.1.1.1 "$study" "$study" "$study" | value mb_per_s)"
		moved[$r]="${moved[$r]:-} $("$tools/get" --port "${port[$r]}" --called BENCH --move GETTER --listen "$listen" "$study" "$study" "$study" | value mb_per_s)"
	done
done

retrieved() {    # WAY ARRAY
	local -n of=$2
	local r raw; raw=$(echo "${rate[raw]}" | median)
	printf '%s of 20 DR of 13 MB, MB/s, medians of five: ' "$1"
	for r in $receivers; do printf '%s %s; ' "$r" "$(echo "${of[$r]}" | median)"; done
	for r in orthanc orthanc-nd; do
		[ -z "${of[$r]:-}" ] || perl -e "printf 'ours / $r %.2f; ', $(echo "${of[ours]}" | median) / $(echo "${of[$r]}" | median)"
	done
	perl -e "printf 'raw $raw; ours / raw %.2f', $(echo "${of[ours]}" | median) / $raw"
	echo
}
table() {
	echo "Machine: $(nproc) cores, $(awk '/MemTotal/ { printf "%d GiB", $2 / 1048576 }' /proc/meminfo), $(uname -sr), TCP $(congestion_control); $(date +%F); \`make bench-archive\`: $images images of $studies studies."
	echo "Milliseconds, p50 / p99, medians of three runs of 300 queries (orthanc: 60); in brackets how many found nothing."
	echo
	echo "| C-FIND by | ours | orthanc | orthanc-nd | p50: orthanc / ours | p50: orthanc-nd / ours |"
	echo "|---|---|---|---|---|---|"
	for k in $kinds; do
		printf '| %s |' "$k"
		for r in ours orthanc orthanc-nd; do
			[ -n "${p50[$r,$k]:-}" ] && printf ' %s / %s [%s] |' "$(echo "${p50[$r,$k]}" | median)" "$(echo "${p99[$r,$k]}" | median)" "${without[$r,$k]}" || printf ' - |'
		done
		for r in orthanc orthanc-nd; do
			[ -n "${p50[$r,$k]:-}" ] && perl -e "printf ' %.1f |', $(echo "${p50[$r,$k]}" | median) / $(echo "${p50[ours,$k]}" | median)" || printf ' - |'
		done
		echo
	done
	echo
	retrieved C-GET rate
	retrieved C-MOVE moved
}
table | tee ${markdown:+"$markdown"}
