#!/usr/bin/env bash
# Two builds of ours side by side, in turn: images/s of receiving, the middle of the answers' times (with 1 or 8 associations of the load
# generator), and the processor time each image costs storescp.
#
#   tests/bench/ab.sh BIN_A BIN_B [--set DR|US|small] [--way storescu|nodelay|1|8] [--turns N] [--count N]
#
# BIN_A and BIN_B are folders with the programs, e.g. a copy of build/bin from before a change, and build/bin. Both keep one node each
# all the time; what one turn differs from the next is the machine, so compare the medians of many turns.
set -u
. "$(dirname "$0")/net.sh"
own_net "$0" "$@"
cd "$(dirname "$0")/../.." || exit 2
[ $# -ge 2 ] || { sed -n '2,8p' "$0"; exit 2; }
bins=("$1" "$2"); shift 2
set=small way=8 turns=7 count=
while [ $# -gt 0 ]; do
	case $1 in
	--set) set=$2 ;;
	--way) way=$2 ;;
	--turns) turns=$2 ;;
	--count) count=$2 ;;
	*) sed -n '2,8p' "$0"; exit 2 ;;
	esac
	shift 2
done
declare -A counts=([DR]=40 [US]=200 [small]=6000)
if [ "$set" = small ] && [ "$way" != 8 ]; then counts[small]=1000; fi
: "${count:=${counts[$set]}}"
tools=build/release/tools
work=$(mktemp -d "${TMPDIR:-/tmp}/ab.XXXXXX")
pids=()
cleanup() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	[ ${#pids[@]} = 0 ] || wait "${pids[@]}" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1")->sockport'; }
now() { perl -MTime::HiRes=time -e 'printf "%.4f", time'; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

$tools/phantom --out "$work/set" --set bench >/dev/null || exit 1
declare -A pattern=([DR]='*dr*' [US]='*us*' [small]='*small*')
file=$(find "$work/set" -name "${pattern[$set]}" | head -1)
ports=() receivers=()
for i in 0 1; do
	ports[i]=$(free_port)
	"${bins[i]}/pacs" init "$work/$i" --aet BENCH --level county --port "${ports[i]}" >/dev/null || exit 1
	"${bins[i]}/pacs" -C "$work/$i" node accept any >/dev/null || exit 1
	"${bins[i]}/pacs" -C "$work/$i" serve >"$work/$i.log" 2>&1 &
	pids+=($!)
	"${bins[i]}/pacs" -C "$work/$i" wait --timeout 20 >/dev/null || { cat "$work/$i.log"; exit 1; }
	receivers[i]=$(pgrep -P "${pids[i]}" -x storescp)
done

send() {                 # PORT: images/s
	local dir t0 t1
	case $way in
	storescu|nodelay)        # ext4 is slow to make files where many were removed in the last minutes, so these stay
		dir=$(mktemp -d "$work/files.XXXXXX")
		$tools/load --expand "$dir" --count "$count" "$file"; sync
		t0=$(now)
		if [ $way = nodelay ]; then TCP_NODELAY=1 storescu -aec BENCH -aet AB +sd 127.0.0.1 "$1" "$dir" >/dev/null || exit 1
		else storescu -aec BENCH -aet AB +sd 127.0.0.1 "$1" "$dir" >/dev/null || exit 1; fi
		t1=$(now)
		echo "$(perl -e "printf '%.2f', $count / ($t1 - $t0)") 0" ;;
	*)
		$tools/load --port "$1" --called BENCH --associations "$way" --count "$count" "$file" | sed -n 's/.*failed=0 .*images_per_s=\([0-9.]*\).*p50_ms=\([0-9.]*\).*/\1 \2/p' | grep . ;;
	esac
}
median() { tr ' ' '\n' | grep . | sort -n | awk '{ a[NR] = $1 } END { printf "%.2f (%.2f-%.2f)", a[int((NR + 1) / 2)], a[1], a[NR] }'; }
declare -A rate cost middle
for turn in $(seq "$turns"); do
	for i in $((turn % 2)) $(((turn + 1) % 2)); do
		sync; $tools/warm "$work/memory"
		before=$(ticks "${receivers[i]}")
		read -r r p50 < <(send "${ports[i]}") || { echo "ab: not all were stored by ${bins[i]}" >&2; exit 1; }
		rate[$i]="${rate[$i]:-} $r"
		middle[$i]="${middle[$i]:-} ${p50:-0}"
		cost[$i]="${cost[$i]:-} $(perl -e "printf '%.1f', ($(ticks "${receivers[i]}") - $before) * 1e4 / $count")"
	done
done
for i in 0 1; do
	echo "${bins[i]}: $set $way: images/s $(echo "${rate[$i]}" | median); p50 ms $(echo "${middle[$i]}" | median); processor us/image $(echo "${cost[$i]}" | median)"
done
