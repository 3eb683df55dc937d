#!/bin/bash
# C-MOVE with DCMTK's movescu, to its own port, to storescp, to nobody.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"

S=1.2.826.0.1.3680043.9.11
mkdir "$T/in" "$T/sink"
for n in 1 2 3 4 5 6; do make_object "$T/in/$n.dcm" study=$S.1 number=$n; done
make_object "$T/in/7.dcm" study=$S.1 series_number=2 number=1 class=1.2.840.10008.5.1.4.1.1.7

start_node county county 'accept = any' || { not_ok "the node starts"; done_testing; }
AT="127.0.0.1 ${PORT[county]}"
check "seven objects are stored" storescu -aec COUNTY $AT +sd "$T/in"

MINE=$(free_port) SINK=$(free_port) NOBODY=$(free_port)
storescp -d -aet SINK -od "$T/sink" +B "$SINK" > "$T/sink.log" 2>&1 &
PID_SINK=$!
trap 'kill $PID_SINK 2>/dev/null; cleanup' EXIT
check "a destination becomes known" pacs county node add ws --aet WS --host 127.0.0.1 --port "$MINE"
check "and another" pacs county node add sink --aet SINK --host 127.0.0.1 --port "$SINK"
check "and one where nobody listens" pacs county node add nobody --aet NOBODY --host 127.0.0.1 --port "$NOBODY"
wait_for 10 "echoscu 127.0.0.1 $SINK" || not_ok "the sink runs"

# movescu 3.6.7 forgets -od when it writes bit by bit, and takes it with a port only: so it runs there.
# move OPTIONS -- KEYS...   files of our own port to $T/out, words to $T/said
move()
{
	local options=() args=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done; shift
	for k in "$@"; do args+=(-k "$k"); done
	rm -rf "$T/out"; mkdir "$T/out"
	(cd "$T/out" && movescu -d -aet WS -aec COUNTY "${options[@]}" $AT "${args[@]}" > "$T/said" 2>&1)
}
received() { ls "$T/${1:-out}" | wc -l; }
counter() { sed -n "s/^D: $1 Suboperations *: //p" "$T/said" | tail -1; }
final() { sed -n 's/^D: DIMSE Status *: \(0x[0-9a-f]*\).*/\1/p' "$T/said" | tail -1; }

move -S +B -aem WS --port "$MINE" -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
is "$(received)" 7 "a study moves to the caller's own port"
is "$(counter Completed) $(counter Failed) $(counter Warning)" "7 0 0" "the counters say so"
is "$(final)" 0x0000 "and the status"
for f in "$T"/in/*.dcm; do
	uid=$(dcmdump -q +P 0008,0018 "$f" | sed 's/.*\[\(.*\)\].*/\1/')
	cmp <(dataset_bytes "$f") <(dataset_bytes "$(grep -l "$uid" "$T"/out/*)") > /dev/null || bad=$f
done
is "${bad:-}" "" "each data set as it was sent"

move -S -aem SINK -- QueryRetrieveLevel=SERIES StudyInstanceUID=$S.1 SeriesInstanceUID=$S.1.1
is "$(received sink)" 6 "a series moves to a third party"
is "$(counter Completed)" 6 "counted"
grep -q 'Move Originator AE Title *: WS' "$T/sink.log" && ok "which hears who asked for it" || not_ok "which hears who asked for it" "$(grep -i originator "$T/sink.log" | head -3)"

move -S -aem STRANGER -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
is "$(final)" 0xa801 "an unknown destination is A801"
move -S -aem NOBODY -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
is "$(final)" 0xa702 "a destination where nobody listens is A702"
is "$(counter Completed) $(counter Failed)" "0 7" "with every image failed"
is "$(grep -c "$S.1.1.[1-6]" <(grep -A3 '(0008,0058)' "$T/said"))" 1 "and listed"
move -S -aem WS -- StudyInstanceUID=$S.1
is "$(final)" 0xa900 "without a level: A900"
move -S -aem WS --port "$MINE" -- QueryRetrieveLevel=STUDY StudyInstanceUID=9.9
is "$(final)" 0x0000 "nothing matches: success"

# start_sink OPTIONS...   another storescp in the place of the last
start_sink()
{
	kill $PID_SINK; wait $PID_SINK 2>/dev/null
	rm -rf "$T/sink"; mkdir "$T/sink"
	storescp -d -aet SINK -od "$T/sink" "$@" "$SINK" > "$T/sink.log" 2>&1 &
	PID_SINK=$!
	wait_for 10 "echoscu 127.0.0.1 $SINK" || not_ok "the other sink runs" "$(tail -3 "$T/sink.log")"
}

# ---- a destination that takes implicit VR only ----
start_sink +xi
move -S -aem SINK -- QueryRetrieveLevel=IMAGE SOPInstanceUID=$S.1.1.2
is "$(final)" 0x0000 "a destination that takes implicit VR only is served"
is "$(syntax_of "$T"/sink/*)" 1.2.840.10008.1.2 "in that"
is "$(elements "$T"/sink/* | md5sum)" "$(elements "$T/in/2.dcm" | md5sum)" "with equal elements"

# ---- a destination that takes only one of the two classes ----
cat > "$T/sink.cfg" <<CFG
[[TransferSyntaxes]]
[Plain]
TransferSyntax1 = LittleEndianExplicit
TransferSyntax2 = LittleEndianImplicit
[[PresentationContexts]]
[US]
PresentationContext1 = 1.2.840.10008.1.1\\Plain
PresentationContext2 = UltrasoundImageStorage\\Plain
[[Profiles]]
[Default]
PresentationContexts = US
CFG
start_sink -xf "$T/sink.cfg" Default
move -S -aem SINK -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
is "$(final)" 0xb000 "a destination without one of the classes: B000"
is "$(counter Completed) $(counter Failed)" "6 1" "the others arrive"
grep -A3 '(0008,0058)' "$T/said" | grep -q "$S.1.2.1" && ok "and the failed one is named" || not_ok "and the failed one is named" "$(grep '0008,0058' "$T/said")"

move -S -aem SINK --cancel 1 -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
case $(final) in 0xfe00 | 0xb000) ok "a cancel ends it" ;; *) not_ok "a cancel ends it" "$(final)" ;; esac
check "and the node serves on" echoscu -aec COUNTY $AT
done_testing
