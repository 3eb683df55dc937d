#!/usr/bin/env bash
# Each write, open, rename and allocation of an export fails in turn: nothing is left at the target, and the next one succeeds. Needs the fault build.
PACS_BIN=${PACS_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/fault/bin}
. "$(dirname "$0")/../lib/sys.sh"
. "$(dirname "$0")/../lib/objects.sh"
start_node n county 'accept = any'
mkdir "$T/in" "$T/out"
for i in 1 2 3; do make_object "$T/in/$i" sop=1.2.3.$i.1.1 study=1.2.3.$i id=PERSON$i name="Name$i^Longer" class=1.2.840.10008.5.1.4.1.1.1 modality=CR; done
check "three images are in the node" pacs n import "$T/in"

# export OPTIONS...   to $T/out/x, with the plan of the environment
export_out() { "$BIN/pacs" -C "$T/n" export "$T/out/x" --all --dicomdir "$@" > "$T/said" 2>&1; }
# fail_in_turn SENTENCE OPERATION OPTIONS...   until the export succeeds; each failure must say something and leave nothing
fail_in_turn()
{
	local says=$1 op=$2 n=1 bad=0 code; shift 2
	while [ $n -lt 400 ]; do
		PACS_FAULT=$op:$n export_out "$@"; code=$?
		[ $code = 0 ] && break
		[ $code = 4 ] && { rm -rf "$T/out/x"; n=$((n + 1)); continue; }      # an object that could not be read was told and left out
		[ $code = 1 ] || [ $code = 78 ] || bad=$((bad + 1))
		grep -q '^pacs: .' "$T/said" || bad=$((bad + 1))
		[ -z "$(ls "$T/out")" ] || { bad=$((bad + 1)); rm -rf "$T/out"/*; }
		n=$((n + 1))
	done
	rm -rf "$T/out"/*
	if [ $bad = 0 ] && [ $code = 0 ] && [ $n -gt 1 ]; then ok "$says: $((n - 1)) failures leave nothing"; else not_ok "$says" "$bad bad ends of $n, last code $code: $(cat "$T/said")"; fi
}
for op in write rename; do
	fail_in_turn "$op, a folder" $op
	fail_in_turn "$op, an archive" $op --zip
	fail_in_turn "$op, de-identified" $op --deidentify
done
fail_in_turn "fsync, a folder" fsync
done_testing
