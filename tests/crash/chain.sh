# A clinic that forwards everything to a county with a worklist, for tools/chaos; see its head.
#
#   chain_kills N [SEED]          N random kills of the release programs under load
#   chain_point PROGRAM:NAME:HITS a kill at one durable step, in the fault build
#
# Both print TAP through tests/lib/sys.sh and leave nothing behind.

CRASH_POINTS_INGEST="spool-open spool-write spool-sync rename dir-sync before-commit after-commit before-answer"
CRASH_POINTS_ROUTER="router_planned router_commit router_committed router_delivered"

chain_nodes()
{
	make_node clinic clinic 'accept = any
retry_min = 1
retry_max = 2' || return
	make_node county county 'accept = any
quiet = 1
max_associations = 200' || return
	"$BIN/pacs" -C "$T/clinic" node add COUNTY --aet COUNTY --host 127.0.0.1 --port "${PORT[county]}" --level county >/dev/null || return
	"$BIN/pacs" -C "$T/clinic" route add up --action forward --to COUNTY >/dev/null || return
	"$BIN/pacs" -C "$T/county" route add read --action worklist --group ALL >/dev/null
}

# chain_run SENTENCE FLAVOUR-BIN ARGS...
chain_run()
{
	local says=$1 bin=$2 out; shift 2
	chain_nodes || { not_ok "$says" "the nodes could not be made"; return; }
	if out=$("$TOOLS/chaos" --bin "$bin" --dir "$T" --port "${PORT[clinic]}" --file "$CHAIN_IMAGE" "$@" 2>&1); then
		ok "$says"
		note "$out"
	else
		not_ok "$says" "$out"
		note "$(tail -n 5 "$T"/*.log)"
		if [ -n "${PACS_KEEP:-}" ]; then cp -r "$T" "$PACS_KEEP"; fi
	fi
	rm -rf "$T/clinic" "$T/county" "$T"/*.log
}

chain_image()
{
	"$TOOLS/phantom" --out "$T/images" --set bench >/dev/null && CHAIN_IMAGE=$(find "$T/images" -name '*small*' | head -1)
}
chain_kills() { chain_run "nothing acknowledged is lost, doubled or hidden over $1 random kills" "$BIN" --kills "$1" ${2:+--seed "$2"}; }
chain_point() { chain_run "nothing is lost when killed at $1" "$ROOT/build/fault/bin" --point "$1"; }
