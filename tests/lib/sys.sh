# What every sys test shares: TAP, a folder of its own, nodes on free ports, waiting with a deadline, and a clean end.
#
#   . "$(dirname "$0")/../lib/sys.sh"
#   start_node clinic clinic 'accept = any'         # DIR: $T/clinic; port: ${PORT[clinic]}; AE title: CLINIC
#   check "a C-ECHO is answered" echoscu -aec CLINIC 127.0.0.1 "${PORT[clinic]}"
#   wait_for 10 'images clinic 3' && ok "three images are indexed" || not_ok "three images are indexed"
#   done_testing
#
# Everything stands in $T and goes at the end, with every process that was started here, by its id.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${PACS_BIN:-$ROOT/build/bin}
case $BIN in /*) ;; *) BIN=$PWD/$BIN ;; esac
TOOLS=$ROOT/build/release/tools
T=$(mktemp -d "${TMPDIR:-/tmp}/pacs-sys.XXXXXX")
declare -A PORT PID
TESTS=0
FAILED=0

# ---- TAP ----
ok() { TESTS=$((TESTS + 1)); echo "ok $TESTS - $1"; }
# What failed goes to stderr too, which `prove` shows whatever else it hides.
not_ok()
{
	TESTS=$((TESTS + 1)) FAILED=$((FAILED + 1))
	echo "not ok $TESTS - $1"
	printf '%s\n' "failed: $0: $TESTS - $1" "${@:2}" | sed 's/^/# /' >&2
}
skip() { TESTS=$((TESTS + 1)); echo "ok $TESTS - $1 # SKIP $2"; }
note() { printf '%s\n' "$*" | sed 's/^/# /'; }

# check SENTENCE COMMAND...   the command succeeds
check()
{
	local says=$1 out; shift
	if out=$("$@" 2>&1); then ok "$says"; else not_ok "$says" "exit $?: $* : $out"; fi
}
# check_exit CODE SENTENCE COMMAND...   it ends with this code
check_exit()
{
	local want=$1 says=$2 out code; shift 2
	out=$("$@" 2>&1); code=$?
	if [ $code = "$want" ]; then ok "$says"; else not_ok "$says" "exit $code, wanted $want: $* : $out"; fi
}
# check_says TEXT SENTENCE COMMAND...   stdout or stderr holds the text
check_says()
{
	local text=$1 says=$2 out; shift 2
	out=$("$@" 2>&1)
	case $out in *"$text"*) ok "$says" ;; *) not_ok "$says" "wanted \"$text\" in: $out" ;; esac
}
is()
{
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got \"$1\", wanted \"$2\""; fi
}
done_testing() { echo "1..$TESTS"; [ "$FAILED" = 0 ]; exit; }

# ---- waiting ----
# wait_for SECONDS 'COMMAND'   until the command succeeds; the only place that waits by looking again
wait_for()
{
	local deadline=$(($(date +%s%N) + $1 * 1000000000))
	while ! (eval "$2") >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# ---- ports ----
# free_port   one that the kernel says is free now
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ---- nodes ----
# make_node NAME LEVEL [LINES]   a data folder $T/NAME on a free port of 127.0.0.1; LINES go into its pacs.conf
make_node()
{
	local name=$1 level=$2 lines=${3:-}
	PORT[$name]=$(free_port)
	"$BIN/pacs" init "$T/$name" --aet "${name^^}" --level "$level" --port "${PORT[$name]}" >/dev/null || return
	printf '\nlisten = "127.0.0.1"\n%s\n' "$lines" >> "$T/$name/pacs.conf"
}
# serve_node NAME   starts it and returns when it answers; its log: $T/NAME.log
serve_node()
{
	local name=$1
	"$BIN/pacs" -C "$T/$name" serve >> "$T/$name.out" 2>> "$T/$name.log" &
	PID[$name]=$!
	wait_ready "$name"
}
wait_ready()
{
	"$BIN/pacs" -C "$T/$1" wait --timeout "${PACS_WAIT_S:-30}" > "$T/$1.wait" 2>&1 && return
	note "node $1 did not start: $(cat "$T/$1.wait")"
	note "$(tail -5 "$T/$1.log")"
	return 1
}
start_node() { make_node "$@" && serve_node "$1"; }
# stop_node NAME   SIGTERM, and waits for its end; gives its exit code
stop_node()
{
	local pid=${PID[$1]}
	unset "PID[$1]"
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
}
# kill_node NAME   SIGKILL to the supervisor; its children die with it
kill_node()
{
	local pid=${PID[$1]}
	unset "PID[$1]"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	wait_for 10 "flock -n '$T/$1/run/ingest.lock' true"
}
child_pid() { "$BIN/pacs" -C "$T/$1" --json status | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]]["pid"])' "$2"; }
pacs() { local node=$1; shift; "$BIN/pacs" -C "$T/$node" "$@"; }
# field NODE PATH   one value of `status --json`, e.g. field clinic index.images
field() { "$BIN/pacs" -C "$T/$1" --json status | python3 -c '
import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[k]
print(v)' "$2"; }
# images NODE N   exactly N images are in its index
images() { [ "$(field "$1" index.images)" = "$2" ]; }

# ---- the end ----
cleanup()
{
	local name
	for name in "${!PID[@]}"; do kill -TERM "${PID[$name]}" 2>/dev/null; done
	for name in "${!PID[@]}"; do wait "${PID[$name]}" 2>/dev/null; done
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
