# A clinic that forwards to a county with a worklist, and power cuts; see tests/power/power.c.
#
#   power_cuts SENTENCE ARGS...         tools/power finds nothing wrong
#   power_finds SENTENCE ARGS...        it finds a loss, and says so: the check itself is checked
#
# With --recoded the clinic compresses what it got.
# On a file system in memory where there is one: the syncs that count are those of the model.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
. "$(dirname "${BASH_SOURCE[0]}")/../lib/sys.sh"
. "$ROOT/tests/crash/chain.sh"

# Whatever a loss makes it say, each sentence alone; a record that does not fit the model is none.
LOSS="other bytes than were sent|acknowledged and not indexed|indexed and its file (is missing|has another)|files and rows differ"
LOSS+="|is not at the county|on no worklist|: index: |does not start"

power_run()
{
	chain_nodes || return
	case " $* " in *" --recoded "*) "$BIN/pacs" -C "$T/clinic" route add small --action compress --codec jpeg2000 > /dev/null || return ;; esac
	mkdir "$T/root" && mv "$T/clinic" "$T/county" "$T/root" || return
	"$TOOLS/power" --bin "$BIN" --recorder "$TOOLS/librecorder.so" --file "$CHAIN_IMAGE" --dir "$T" --port "${PORT[clinic]}" "$@" 2>&1
	local code=$?
	if [ -n "${PACS_KEEP:-}" ] && [ $code != 0 ]; then cp -r "$T" "$PACS_KEEP"; fi
	rm -rf "$T/root" "$T/next" "$T/trial" "$T/record"* "$T"/*.log
	return $code
}
power_cuts()
{
	local says=$1 out; shift
	if out=$(power_run "$@"); then ok "$says"; note "$out"; else not_ok "$says" "$out"; fi
}
power_finds()
{
	local says=$1 out; shift
	out=$(power_run "$@")
	if [ $? = 1 ] && grep -qE "$LOSS" <<< "$out"; then ok "$says"; else not_ok "$says" "wanted one of $LOSS in: $out"; fi
}
