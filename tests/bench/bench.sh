#!/usr/bin/env bash
# Ours beside the peers that are installed, in one run: images/s and MB/s, medians and spread, and memory.
#
#   tests/bench/bench.sh [--runs N] [--quick] [--sets "DR US small"] [--ways "0 1 2 3"] [--only ours,sinks,discard,storescp,orthanc,memory]
#                        [--sync-us N] [--ext4 GB] [--markdown FILE]
#
# Three sets (DR 13 MB, ultrasound 0.9 MB, small 36 kB), four ways of sending: default storescu, storescu with
# TCP_NODELAY=1, and the load generator with 1 and 8 associations. Receivers: ours, DCMTK storescp (+B: bytes as
# they come; no index, no sync), Orthanc with its defaults and with TCP_NODELAY=1, the raw sinks: the same bytes
# over loopback, fdatasynced ("sink"), and also renamed with a directory sync each ("durable sink"), and a receiver that
# keeps nothing ("discard"): what the sender itself can do. Before each run the page cache is filled (warm.c).
# --sync-us: every sync of every receiver and sink takes that much longer, as on another disk (preload/slow_sync.c).
# --ext4: on a file system of that size as Debian makes it, with a journal (disk.sh; 20 are enough).
set -u
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/disk.sh"
own_net "$0" "$@"
cd "$(dirname "$0")/../.." || exit 2
runs=3 quick= markdown= sets="DR US small" ways="0 1 2 3" only=ours,discard,sinks,storescp,orthanc,memory sync_us= ext4=
while [ $# -gt 0 ]; do
	case $1 in
	--runs) runs=$2; shift 2 ;;
	--quick) quick=1; shift ;;
	--sets) sets=$2; shift 2 ;;
	--ways) ways=$2; shift 2 ;;
	--only) only=$2; shift 2 ;;
	--sync-us) sync_us=$2; shift 2 ;;
	--ext4) ext4=$2; shift 2 ;;
	--markdown) markdown=$2; shift 2 ;;
	*) sed -n '2,13p' "$0"; exit 2 ;;
	esac
done

bin=build/bin tools=build/release/tools
top=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX") work=$top
pids=
cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	drop_disk "$top"
	rm -rf "$top"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
if [ -n "$ext4" ]; then own_disk "$top" "$ext4" || exit 1; work=$top/disk; fi

# The program, with slower syncs where they are asked for.
slowly() {
	if [ -n "$sync_us" ]; then SLOW_SYNC_US=$sync_us LD_PRELOAD=$PWD/$tools/libslow_sync.so exec "$@"; else exec "$@"; fi
}
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1")->sockport'; }
now() { perl -MTime::HiRes=time -e 'printf "%.3f", time'; }

# ---- receivers: start_X PORT -> sets pid, aet ----
start_ours() {
	$bin/pacs init "$work/$cell" --aet BENCH --level county --port "$1" >/dev/null || exit 1
	$bin/pacs -C "$work/$cell" node accept any >/dev/null || exit 1
	slowly $bin/pacs -C "$work/$cell" serve >"$work/ours.log" 2>&1 &
	pid=$! aet=BENCH
	$bin/pacs -C "$work/$cell" wait --timeout 20 >/dev/null || { cat "$work/ours.log"; exit 1; }
}
start_discard() {
	$tools/discard >"$work/discard.out" 2>&1 &
	pid=$! aet=DISCARD
	for _ in $(seq 200); do port=$(sed -n 's/^port //p' "$work/discard.out"); [ -n "$port" ] && return; perl -e 'select undef,undef,undef,0.02'; done
	echo "bench: discard did not start" >&2; exit 1
}
start_storescp() {
	mkdir -p "$work/$cell"
	slowly storescp +B -od "$work/$cell" --fork "$1" >/dev/null 2>&1 &
	pid=$! aet=ANY-SCP
	wait_echo "$1" $aet
}
start_orthanc() {
	local nodelay=$2
	mkdir -p "$work/$cell"
	cat >"$work/orthanc.json" <<-J
	{ "Name": "bench", "StorageDirectory": "$work/$cell", "IndexDirectory": "$work/$cell", "DicomPort": $1, "HttpServerEnabled": false,
	  "DicomCheckCalledAet": false, "DicomAlwaysAllowStore": true, "StorageCompression": false, "Plugins": [] }
	J
	TCP_NODELAY=$nodelay slowly Orthanc "$work/orthanc.json" >"$work/orthanc.log" 2>&1 &
	pid=$! aet=ORTHANC
	wait_echo "$1" $aet
}
wait_echo() {
	for _ in $(seq 200); do
		echoscu -aec "$2" 127.0.0.1 "$1" >/dev/null 2>&1 && return
		perl -e 'select undef,undef,undef,0.05'
	done
	echo "bench: no answer from $2 on port $1" >&2; exit 1
}
# A virtual disk is several times slower where it has never been written, and ext4 looks hard for an inode that was not freed
# in the last minutes, unless it has a journal. So the few large files of the DR set are removed, their blocks serve the next cell,
# and without a journal the many files of the other sets stay until the end; for every receiver and the sinks alike.
remove() { if [ "${set:-}" = DR ] || [ -n "$ext4" ]; then rm -rf "$1"; fi; }
warm() { $tools/warm "$work/memory" || exit 1; }
stop() {
	kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; pids=${pids/ $pid/}
	remove "$work/$cell"
	sync
}

# ---- senders: print images/s ----
send_storescu() {        # NODELAY PORT DIR COUNT
	local t0 t1
	t0=$(now)
	if [ "$1" = 1 ]; then TCP_NODELAY=1 storescu -aec "$aet" -aet BENCHSCU +sd 127.0.0.1 "$2" "$3" >/dev/null 2>"$work/scu.err" || { echo 0; return; }
	else storescu -aec "$aet" -aet BENCHSCU +sd 127.0.0.1 "$2" "$3" >/dev/null 2>"$work/scu.err" || { echo 0; return; }
	fi
	t1=$(now)
	perl -e "printf '%.2f', $4 / ($t1 - $t0)"
}
send_load() {            # ASSOCIATIONS PORT FILE COUNT
	$tools/load --port "$2" --called "$aet" --associations "$1" --count "$4" "$3" 2>"$work/load.err" | sed -n 's/.*failed=0 .*images_per_s=\([0-9.]*\).*/\1/p' | grep . || echo 0
}
stats() { tr ' ' '\n' | grep . | sort -n | awk '{ a[NR]=$1 } END { printf "%.1f %.1f %.1f", a[int((NR+1)/2)], a[1], a[NR] }'; }

$tools/phantom --out "$work/set" --set bench >/dev/null || exit 1
ls "$work/set" >/dev/null
dr=$(find "$work/set" -name '*dr*' | head -1) us=$(find "$work/set" -name '*us*' | head -1) small=$(find "$work/set" -name '*small*' | head -1)
declare -A file=([DR]=$dr [US]=$us [small]=$small)
#                 slow receivers get fewer images: storescu default, nodelay, load 1, load 8
# Long enough that the start of storescu, 20 ms, is little of it.
declare -A slow=([DR]="12 12 24 48" [US]="50 60 200 600" [small]="40 60 300 1000")
declare -A fast=([DR]="30 30 40 80" [US]="800 800 800 1200" [small]="3000 3000 3000 8000")

declare -A result
measure() {              # NAME CLASS (slow|fast) START... -> result[NAME,set,way]
	local name=$1 class=$2 set way n counts dir out r; shift 2
	for set in $sets; do
		if [ "$class" = slow ]; then counts=(${slow[$set]}); else counts=(${fast[$set]}); fi
		[ -z "$quick" ] || counts=($((counts[0] / 2)) $((counts[1] / 2)) $((counts[2] / 2)) $((counts[3] / 2)))
		for way in $ways; do
			out=
			n=${counts[$way]}
			cell=$name-$set-$way
			port=$(free_port); "$1" "$port" "${@:2}"; pids="$pids $pid"
			for r in $(seq "$runs"); do
				dir=$work/files-$name-$set-$way-$r; mkdir -p "$dir"
				case $way in
				0|1) $tools/load --expand "$dir" --count "$n" "${file[$set]}"; sync; warm; out="$out $(send_storescu $way "$port" "$dir" "$n")" ;;
				2) warm; out="$out $(send_load 1 "$port" "${file[$set]}" "$n")" ;;
				3) warm; out="$out $(send_load 8 "$port" "${file[$set]}" "$n")" ;;
				esac
				remove "$dir"
			done
			stop
			result[$name,$set,$way]=$(echo "$out" | stats)
			echo "# $name $set way $way: ${result[$name,$set,$way]}" >&2
		done
	done
}
measure_sinks() {
	local set way n counts size out r flag name
	for set in $sets; do
		counts=(${fast[$set]}); size=$(stat -c %s "${file[$set]}")
		for way in 2 3; do
			[[ $ways == *$way* ]] || continue
			for name in sink durable; do
				flag=; [ $name = durable ] && flag=--durable
				out=
				for r in $(seq "$runs"); do
					cell=$name-$set-$way-$r
					mkdir -p "$work/$cell"; warm
					out="$out $(slowly $tools/sink --size "$size" --connections $((way == 2 ? 1 : 8)) --count "${counts[$way]}" $flag "$work/$cell" | sed 's/.*images_per_s=\([0-9.]*\).*/\1/')"
					remove "$work/$cell"
				done
				sync
				result[$name,$set,$way]=$(echo "$out" | stats)
				echo "# $name $set way $way: ${result[$name,$set,$way]}" >&2
			done
		done
	done
}

wanted() { [[ ,$only, == *,$1,* ]]; }
if wanted ours; then measure ours fast start_ours; fi
if wanted discard; then measure discard fast start_discard; fi
if wanted sinks; then measure_sinks; fi
if wanted storescp; then measure storescp slow start_storescp; fi
receivers="ours discard storescp"
if wanted orthanc && command -v Orthanc >/dev/null; then
	measure orthanc slow start_orthanc 0
	measure orthanc-nd slow start_orthanc 1
	receivers="$receivers orthanc orthanc-nd"
fi
receivers="$receivers sink durable"

# ---- memory: peak of storescp ----
hwm() { local p; p=$(pgrep -P "$pid" -x storescp) && awk '/VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$p/status"; }
measure_memory() {
	local cine cine_pid idle
	$tools/phantom --out "$work/set" --set cine500 >/dev/null 2>&1
	set= cell=memory-dr
	port=$(free_port); start_ours "$port"; pids="$pids $pid"
	cine=$(find "$work/set" -name '*cine500*' | head -1)
	with_cine=$cine
	[ -z "$cine" ] || { storescu -aec "$aet" -aet CINE 127.0.0.1 "$port" "$cine" & cine_pid=$!; }
	send_load 8 "$port" "$dr" 80 >/dev/null
	[ -z "$cine" ] || wait "$cine_pid" || echo "bench: the cine was not stored" >&2
	memory_dr=$(hwm); stop
	cell=memory-idle
	port=$(free_port); start_ours "$port"; pids="$pids $pid"
	mkfifo "$work/hold"
	$tools/load --port "$port" --called "$aet" --idle 1000 "$small" <"$work/hold" >"$work/idle.out" & idle=$!
	exec 9>"$work/hold"
	for _ in $(seq 400); do grep -q idle "$work/idle.out" && break; perl -e 'select undef,undef,undef,0.05'; done
	beside=$(send_load 5 "$port" "$small" 2000)
	memory_idle=$(hwm)
	exec 9>&-; wait "$idle"
	alone=$(send_load 5 "$port" "$small" 2000); stop
}
if wanted memory; then measure_memory; fi

table() {
	local set way r named=("storescu" "storescu, TCP_NODELAY=1" "load x1" "load x8")
	echo "Machine: $(nproc) cores, $(awk '/MemTotal/ { printf "%d GiB", $2 / 1048576 }' /proc/meminfo), $(uname -sr), TCP $(congestion_control)${ext4:+, ext4 with a journal}${sync_us:+, each sync $sync_us us longer}; $(date +%F); \`make bench${quick:+ ARGS=--quick}\`, $runs runs."
	echo "Images/s: median (lowest-highest)."
	echo
	echo "| set | way | $(echo "$receivers" | sed 's/ / | /g') | ours / orthanc | ours / discard | ours / sink | ours / durable |"
	echo "|---|---|$(for r in $receivers; do printf -- '---|'; done)---|---|---|---|"
	for set in $sets; do
		for way in $ways; do
			printf '| %s | %s |' "$set" "${named[$way]}"
			for r in $receivers; do
				set -- ${result[$r,$set,$way]:-}
				if [ $# = 3 ]; then printf ' %s (%s-%s) |' "$1" "$2" "$3"; else printf ' - |'; fi
			done
			for r in orthanc discard sink durable; do
				set -- ${result[$r,$set,$way]:-} ; o=${1:-}
				set -- ${result[ours,$set,$way]:-} ; m=${1:-}
				if [ -n "$m" ] && [ -n "$o" ] && [ "$o" != 0.0 ]; then perl -e "printf ' %.2f |', $m / $o"; else printf ' - |'; fi
			done
			echo
		done
	done
	wanted memory || return 0
	echo
	echo "storescp's memory peak: ${memory_dr:-?} MB while 8 associations send DR${with_cine:+ and one a 500 MB cine}; ${memory_idle:-?} MB with $(sed 's/idle \([0-9]*\).*/\1/' "$work/idle.out") idle associations,"
	echo "beside which five associations store $beside small images/s ($alone without the idle ones)."
}
table | tee ${markdown:+"$markdown"}
