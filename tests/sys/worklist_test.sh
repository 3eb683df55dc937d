#!/bin/bash
# The reading list end to end: a study becomes an item, of two readers one gets it, its images come whole, given-up
# cases come back, and nothing of it is lost when the router is killed.
. "$(dirname "$0")/../lib/sys.sh"

RULES='accept = any
quiet = 1
route "reading" {
	modality = "DX"
	action = worklist
	group = "DR"
}'
STUDIES=11

# make_image FILE STUDY NUMBER   a small DX image with a Chinese name and pixels of its own
make_image()
{
	local study=$2 n=$3
	head -c 8192 /dev/urandom > "$1.raw"
	cat > "$1.dump" <<-END
		(0008,0005) CS [ISO_IR 192]
		(0008,0016) UI [1.2.840.10008.5.1.4.1.1.1.1]
		(0008,0018) UI [$study.1.$n]
		(0008,0020) DA [20260301]
		(0008,0050) SH [A1]
		(0008,0060) CS [DX]
		(0010,0010) PN [Zhang^San=张^三]
		(0010,0020) LO [P$study]
		(0010,0030) DA [19700101]
		(0010,0040) CS [F]
		(0020,000d) UI [$study]
		(0020,000e) UI [$study.1]
		(0020,0013) IS [$n]
		(0028,0002) US 1
		(0028,0004) CS [MONOCHROME2]
		(0028,0010) US 64
		(0028,0011) US 64
		(0028,0100) US 16
		(0028,0101) US 14
		(0028,0102) US 13
		(0028,0103) US 0
		(7fe0,0010) OW =$1.raw
	END
	dump2dcm +te "$1.dump" "$1" 2>/dev/null
}

# at NODE READER COMMAND...   each reader has keys of his own
at()
{
	local node=$1 reader=$2; shift 2
	XDG_STATE_HOME=$T/state-$reader "$BIN/viewer-cli" --node "127.0.0.1:${PORT[$node]}" --called "${node^^}" --calling "$reader" "$@"
}
viewer() { at county "$@"; }
# items STATE   UIDs, one a line
items() { viewer LOOK list --json --state "$1" | python3 -c 'import json,sys; [print(i["item"]) for i in json.load(sys.stdin)["items"]]'; }
count_items() { [ "$(items "$1" | wc -l)" = "$2" ]; }
# of_item UID KEY   one field, whatever the state
of_item() { viewer LOOK list --json --all | python3 -c 'import json,sys; print([i[sys.argv[2]] for i in json.load(sys.stdin)["items"] if i["item"] == sys.argv[1]][0])' "$@"; }
content() { dcmdump -q +L "$1" | grep -v '^(0002\|^#\|^$'; }

mkdir "$T/in"
for s in $(seq $STUDIES); do make_image "$T/in/$s.dcm" 1.2.826.0.1.3680043.10.$s 1; done
for n in 2 3; do make_image "$T/in/1-$n.dcm" 1.2.826.0.1.3680043.10.1 $n; done

start_node province province "$RULES" || { not_ok "a province node starts"; done_testing; }
start_node county county "$RULES
node \"hub\" {
	aet = \"PROVINCE\"
	host = \"127.0.0.1\"
	port = ${PORT[province]}
	level = province
}" || { not_ok "a node starts"; done_testing; }

# ---- an item for each study ----
check "a modality sends $STUDIES studies" storescu -aec COUNTY 127.0.0.1 "${PORT[county]}" "$T"/in/*.dcm
wait_for 20 "count_items SCHEDULED $STUDIES" && ok "each becomes one item after the quiet time" || not_ok "each becomes one item after the quiet time" "$(viewer LOOK list)"
FIRST=$(viewer LOOK list --json | python3 -c 'import json,sys; print([i["item"] for i in json.load(sys.stdin)["items"] if i["study"].endswith(".10.1")][0])')
is "$(of_item "$FIRST" images)" 3 "the item names the three images of its study"
is "$(of_item "$FIRST" patient)" "Zhang^San=张^三" "the patient's name arrives in Chinese"
is "$(of_item "$FIRST" label)" "READING-DR" "it is labelled for the readers of DR"
check_says "张^三" "the list is a table for people" viewer LOOK list
check_says "SCHEDULED" "the administrator sees it too" pacs county worklist list
is "$(viewer LOOK list --json --patient 'zhang*' --group DR | grep -c '"item"')" $STUDIES "the list can be asked by name and group"
is "$(viewer LOOK list --json --patient 'li*' | grep -c '"item"')" 0 "another name finds nothing"

# ---- exactly one of two claims wins, in every round ----
winners=0
claims=()
for item in $(items SCHEDULED | grep -vx "$FIRST"); do
	for reader in ANNA BORIS; do
		(viewer $reader claim "$item" > "$T/claim-$reader-$item" 2>&1; echo $? > "$T/code-$reader-$item") &
		claims+=($!)
	done
done
wait "${claims[@]}"
for item in $(items "IN PROGRESS"); do
	codes=$(cat "$T/code-ANNA-$item" "$T/code-BORIS-$item" | sort | tr '\n' ' ')
	[ "$codes" = "0 1 " ] && winners=$((winners + 1))
done
is $winners $((STUDIES - 1)) "of two readers who claim at once exactly one wins, in $((STUDIES - 1)) of $((STUDIES - 1)) rounds"
check_says "somebody else has claimed" "the loser is told why" cat "$T"/claim-*

# ---- read a case ----
check "a reader claims the most urgent" viewer ANNA claim "$FIRST"
is "$(stat -c %a "$T/state-ANNA/viewer-cli/$FIRST.json")" 600 "the key is for the reader alone"
check "its images are pulled" viewer ANNA pull -o "$T/out" "$FIRST"
same=0
for f in "$T/in/1.dcm" "$T/in/1-2.dcm" "$T/in/1-3.dcm"; do
	sop=$(dcmdump +P 0008,0018 "$f" | sed 's/.*\[\(.*\)\].*/\1/')
	cmp -s <(content "$f") <(content "$T/out/$sop.dcm") && same=$((same + 1))
done
is $same 3 "what was pulled is what was sent"
check "the study can be pulled by its UID" viewer BORIS pull -o "$T/out2" --study 1.2.826.0.1.3680043.10.1
is "$(ls "$T/out2" | wc -l)" 3 "with all its images"
check_exit 1 "a study that is not there is an error" viewer ANNA pull -o "$T/out3" --study 1.2.3.4.5
check_exit 1 "somebody without the key cannot complete it" viewer BORIS complete "$FIRST"
check_says "c301" "a wrong Transaction UID is refused" viewer BORIS complete "$FIRST" --transaction 2.25.1
is "$(of_item "$FIRST" state)" "IN PROGRESS" "and changes nothing"
check "the reader completes it" viewer ANNA complete "$FIRST"
is "$(of_item "$FIRST" state)" "COMPLETED" "it is COMPLETED"
check_exit 1 "it cannot be claimed again" viewer BORIS claim "$FIRST"

# ---- late images of a read case ----
make_image "$T/in/late.dcm" 1.2.826.0.1.3680043.10.1 4
check "an image comes late" storescu -aec COUNTY 127.0.0.1 "${PORT[county]}" "$T/in/late.dcm"
wait_for 10 "count_items SCHEDULED 1" && ok "a read case with a late image is on the list again" || not_ok "a read case with a late image is on the list again"
LATE=$(items SCHEDULED)
check_says "$FIRST" "and names the earlier item" of_item "$LATE" comments

# ---- give a case back ----
check "a reader claims it" viewer ANNA claim
check "and gives it back" viewer ANNA release "$LATE" --reason quality
is "$(of_item "$LATE" state)" "CANCELED" "the item is CANCELED"
wait_for 5 "count_items SCHEDULED 1" && ok "a new item takes its place" || not_ok "a new item takes its place"
NEXT=$(items SCHEDULED)
check_says "\"replaces\": \"$LATE\"" "which names the old one" pacs county --json worklist list --state SCHEDULED

# ---- the router is killed ----
ROUTER=$(child_pid county router)
make_image "$T/in/kill.dcm" 1.2.826.0.1.3680043.10.99 1
check "an image comes" storescu -aec COUNTY 127.0.0.1 "${PORT[county]}" "$T/in/kill.dcm"
kill -KILL "$ROUTER"
wait_for 30 "count_items SCHEDULED 2" && ok "killed in the quiet time, the router still makes the item" || not_ok "killed in the quiet time, the router still makes the item"
check "and the other item can be claimed" viewer BORIS claim "$NEXT"

# ---- a case for a specialist ----
UP=$(items SCHEDULED)
at_province() { at province SPECIALIST list --json | grep -c '"item"' | grep -qx "$1"; }
at_province 0 && ok "the province has nothing to read" || not_ok "the province has nothing to read"
check "a reader claims the last case" viewer BORIS claim "$UP"
check "and asks for a specialist" viewer BORIS release "$UP" --reason specialist
count_items SCHEDULED 0 && ok "it leaves the county's list" || not_ok "it leaves the county's list"
check_says "escalated to the province" "where it is told why" pacs county worklist list
wait_for 20 "at_province 1" && ok "it is on the province's list with its images" || not_ok "it is on the province's list with its images"
check_exit 1 "nothing can be pulled unnamed when nothing is claimed" at province SPECIALIST pull -o "$T/out5"
check "a specialist claims it" at province SPECIALIST claim
check "pulls what is claimed without naming it" at province SPECIALIST pull -o "$T/out5"
is "$(ls "$T/out5" | wc -l)" 1 "and has its image"
check "pulls it by its study" at province SPECIALIST pull -o "$T/out4" --study 1.2.826.0.1.3680043.10.99
check "and completes it" at province SPECIALIST complete

# ---- words ----
check_exit 2 "an unknown command is a matter of usage" viewer ANNA frobnicate
check_exit 2 "so is a missing node" "$BIN/viewer-cli" list
check_exit 1 "nobody there is a failure" env XDG_STATE_HOME="$T/s" "$BIN/viewer-cli" --node "127.0.0.1:$(free_port)" --called X list
check_exit 0 "help is there" "$BIN/viewer-cli" help release
keys=$(cat "$T"/state-*/viewer-cli/*.json | python3 -c 'import re,sys; print("\n".join(re.findall("\"transaction\":\"([^\"]*)\"", sys.stdin.read())))')
leaks=0
for key in $keys; do grep -qF "$key" "$T/county.log" "$T/county.out" && leaks=$((leaks + 1)); done
is $leaks 0 "no Transaction UID is in the log"
grep -qi "zhang\|张" "$T/county.log" && not_ok "no name is in the log" || ok "no name is in the log"
done_testing
