#!/bin/bash
# Performed procedure steps: the states and their statuses, what they do to orders and to reading work, and sending them on.
. "$(dirname "$0")/../lib/sys.sh"
MPPS=1.2.840.10008.3.1.2.3.3
start_node county county 'accept = any' || exit
COUNTY=${PORT[county]}
start_node clinic clinic "accept = any
quiet = 3600
retry_min = 1
order_days = 0
node \"COUNTY\" {
	aet = \"COUNTY\"
	host = \"127.0.0.1\"
	port = $COUNTY
}
route \"up\" {
	action = mpps
	to = \"COUNTY\"
}
route \"read\" {
	action = worklist
	group = \"DR\"
}" || exit

for node in clinic county; do
	pacs $node order add --accession A1 --step-id S1 --study-uid 1.2.3 --patient-id P1 --patient-name '张^三' --modality DX --date 20260301 \
		--priority STAT --reason '咳嗽' --requesting '李^四' --description '胸片' --department '内科' >/dev/null
done
pacs clinic order add --accession A2 --step-id S2 --study-uid 1.2.4 --patient-id P1 --patient-name '张^三' --modality DX --date 20260301 >/dev/null

# dataset NAME LINES   $T/NAME, implicit VR
dataset() { printf '%s\n' "$2" > "$T/$1.dump"; dump2dcm -q +ti "$T/$1.dump" "$T/$1"; }
# begin NAME ACCESSION STEP STUDY [EXTRA]
begin()
{
	dataset "$1" "(0008,0005) CS [GB18030]
(0008,0060) CS [DX]
(0008,1120) SQ
(fffe,e0dd) na
(0010,0010) PN [$(printf '张^三' | iconv -t GB18030)]
(0010,0020) LO [P1]
(0010,0030) DA []
(0010,0040) CS []
(0020,0010) SH []
(0040,0241) AE [DR1]
(0040,0242) SH []
(0040,0243) SH []
(0040,0244) DA [20260301]
(0040,0245) TM [101500]
(0040,0250) DA []
(0040,0251) TM []
(0040,0252) CS [${5:-IN PROGRESS}]
(0040,0253) SH [PPS1]
(0040,0254) LO []
(0040,0270) SQ
(fffe,e000) na
(0008,0050) SH [$2]
(0020,000d) UI [$4]
(0040,0009) SH [$3]
(fffe,e00d) na
(fffe,e0dd) na
(0040,0340) SQ
(fffe,e0dd) na"
}
# finish NAME STATE [IMAGE...]
finish()
{
	local name=$1 state=$2 refs= i; shift 2
	for i in "$@"; do refs="$refs
(fffe,e000) na
(0008,1150) UI [1.2.840.10008.5.1.4.1.1.1.1]
(0008,1155) UI [$i]
(fffe,e00d) na"; done
	dataset "$name" "(0040,0250) DA [20260301]
(0040,0251) TM [102000]
(0040,0252) CS [$state]
(0040,0281) SQ
(fffe,e000) na
(0008,0100) SH [110513]
(0008,0102) SH [DCM]
(0008,0104) LO [Discontinued for unspecified reason]
(fffe,e00d) na
(fffe,e0dd) na
(0040,0340) SQ
(fffe,e000) na
(0008,1140) SQ$refs
(fffe,e0dd) na
(0018,1030) LO [CHEST]
(0020,000e) UI [1.2.3.1]
(fffe,e00d) na
(fffe,e0dd) na"
}
call() { python3 "$ROOT/tests/lib/dimse.py" "${PORT[clinic]}" DR1 CLINIC "$MPPS" "$@" 2>&1; }
state() { pacs "$1" --json order list --accession "$2" | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["state"])'; }
items() { pacs clinic --json worklist list | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }
make_image()
{
	cat > "$1.dump" <<-END
		(0008,0016) UI [1.2.840.10008.5.1.4.1.1.1.1]
		(0008,0018) UI [$3]
		(0008,0020) DA [20260301]
		(0008,0050) SH [A1]
		(0008,0060) CS [DX]
		(0010,0010) PN [Zhang^San]
		(0010,0020) LO [P1]
		(0020,000d) UI [$2]
		(0020,000e) UI [$2.1]
		(0020,0013) IS [1]
		(0028,0002) US 1
		(0028,0004) CS [MONOCHROME2]
		(0028,0010) US 2
		(0028,0011) US 2
		(0028,0100) US 8
		(0028,0101) US 8
		(0028,0102) US 7
		(0028,0103) US 0
		(7fe0,0010) OB 00\\01\\02\\03
	END
	dump2dcm -q +te "$1.dump" "$1"
}

# ---- the rules ----
begin b1 A1 S1 1.2.3
begin wrong A1 S1 1.2.3 COMPLETED
begin nostudy A1 S1 ''
sed '/0040,0253/d' "$T/b1.dump" > "$T/nopps.dump"; dump2dcm -q +ti "$T/nopps.dump" "$T/nopps"
finish done COMPLETED 1.2.3.1.1 1.2.3.1.2
finish noseries COMPLETED
sed '/0040,0340/,$d' "$T/noseries.dump" > "$T/bare.dump"; dump2dcm -q +ti "$T/bare.dump" "$T/bare"
dataset other '(0010,0020) LO [P2]'
dataset odd '(0040,0252) CS [READY]'
dataset more '(0040,0254) LO [chest pa and lateral]'
dataset again '(0010,0020) LO [P1]'
is "$(call "create:2.25.1:$T/wrong" "create:2.25.1:$T/nostudy" "create:2.25.1:$T/nopps" "set:2.25.1:$T/more" | cut -c1-4 | tr '\n' ' ')" "0106 0121 0120 0112 " \
	"N-CREATE: 0106 not IN PROGRESS, 0121 empty, 0120 missing; N-SET of nothing: 0112"
is "$(call "create:2.25.1:$T/b1" "create:2.25.1:$T/b1" | cut -c1-14 | tr '\n' '|')" "0000 - 2.25.1 |0111 - 2.25.1 |" "a step is created once, 0111 the second time"
is "$(state clinic A1)" STARTED "its order is STARTED"
findscu -W -X -od "$T" -aet DR1 -aec CLINIC -k 0008,0050=A1 -k "(0040,0100)[0].0040,0020" 127.0.0.1 "${PORT[clinic]}" >/dev/null 2>&1
is "$(dcmdump -q +P 0040,0020 "$T/rsp0001.dcm" | sed 's/.*\[\(.*\)\].*/\1/')" STARTED "and the worklist says so"
is "$(call "set:2.25.1:$T/other" "set:2.25.1:$T/odd" "set:2.25.1:$T/bare" "set:2.25.1:$T/again" "set:2.25.1:$T/more" | cut -c1-4 | tr '\n' ' ')" "0105 0106 0121 0000 0000 " \
	"N-SET: 0105 what is fixed, 0106 no such state, 0121 no series, 0000 the same value, 0000 a description"
is "$(call "create::$T/nopps" | cut -c1-4)" 0120 "a step without UID is checked too"
begin b9 '' '' 1.2.9
case $(call "create::$T/b9") in "0000 - 2.25."*) ok "and gets a UID of ours" ;; *) not_ok "and gets a UID of ours" ;; esac

# ---- one image is here, one is not ----
make_image "$T/i1" 1.2.3 1.2.3.1.1
make_image "$T/i2" 1.2.3 1.2.3.1.2
check "an image comes" storescu -aet DR1 -aec CLINIC 127.0.0.1 "${PORT[clinic]}" "$T/i1"
is "$(call "set:2.25.1:$T/done" "set:2.25.1:$T/done" "set:2.25.1:$T/more" | cut -c1-9 | tr '\n' ' ')" "0000 - 2. 0110 A710 0110 A710 " "COMPLETED; after that 0110 with error ID A710"
is "$(state clinic A1)" COMPLETED "the order is COMPLETED"
is "$(items)" 0 "with an image missing nothing is to be read yet"
check "the last image comes" storescu -aet DR1 -aec CLINIC 127.0.0.1 "${PORT[clinic]}" "$T/i2"
check "and the study is to be read at once, an hour before its quiet time ends" wait_for 10 '[ "$(items)" = 1 ]'
ITEM=$(pacs clinic --json worklist list | python3 -c 'import json,sys; i = json.load(sys.stdin)[0]; print(i["priority"], i["instances"])')
is "$ITEM" "HIGH 2" "with both images, urgent as the order"
findscu -W -X -od "$T" -aet DR1 -aec CLINIC -k 0008,0050=A1 -k "(0040,0100)[0].0040,0020" 127.0.0.1 "${PORT[clinic]}" > "$T/out" 2>&1
rm -f "$T"/rsp*; findscu -W -X -od "$T" -aet DR1 -aec CLINIC -k 0008,0050=A1 -k "(0040,0100)[0].0040,0009" 127.0.0.1 "${PORT[clinic]}" > "$T/out" 2>&1
[ -e "$T/rsp0001.dcm" ] && not_ok "it has left the worklist" || ok "it has left the worklist"
check_says "matched by  study-uid" "pacs study show tells the order" pacs clinic study show 1.2.3
is "$(pacs clinic --json study show 1.2.3 | python3 -c 'import json,sys; o = json.load(sys.stdin)["order"]; print(o["state"], o["order"]["reason"])')" "COMPLETED 咳嗽" "with what it says"
# The reading item, asked as a UPS (the class is none that findscu knows: its raw data set is enough).
dataset ups "(0040,a370) SQ
(fffe,e000) na
(0032,1032) PN []
(0040,1002) LO []
(0032,1033) LO []
(fffe,e00d) na
(fffe,e0dd) na
(0020,000d) UI [1.2.3]"
python3 "$ROOT/tests/lib/dimse.py" "${PORT[clinic]}" READER CLINIC 1.2.840.10008.5.1.4.34.6.3 "find::$T/ups" > "$T/ups.out" 2>&1
check "the reading item has reason, requesting physician and department of the order" grep -q '李^四' "$T/ups.out"
is "$(grep -c '咳嗽\|内科' "$T/ups.out")" 1 "in its request"

# ---- all images first ----
make_image "$T/i3" 1.2.4 1.2.4.1.1
sed -i 's/\[A1\]/[A2]/' "$T/i3.dump"; dump2dcm -q +te "$T/i3.dump" "$T/i3"
begin b2 A2 S2 1.2.4
finish d2 COMPLETED 1.2.4.1.1
call "create:2.25.2:$T/b2" > /dev/null
storescu -aet DR1 -aec CLINIC 127.0.0.1 "${PORT[clinic]}" "$T/i3"
is "$(call "set:2.25.2:$T/d2" | cut -c1-4)" 0000 "a step whose images are all here is completed"
check "and its study is to be read at once" wait_for 10 '[ "$(items)" = 2 ]'

# ---- discontinued ----
pacs clinic order add --accession A3 --step-id S3 --study-uid 1.2.5 --patient-id P1 --patient-name X --modality DX >/dev/null
begin b3 A3 S3 1.2.5
finish d3 DISCONTINUED
is "$(call "create:2.25.3:$T/b3" "set:2.25.3:$T/d3" "set:2.25.3:$T/more" | cut -c1-9 | tr '\n' ' ')" "0000 - 2. 0000 - 2. 0110 A710 " "a step is discontinued, and that is final too"
is "$(state clinic A3)/$(pacs clinic --json order list --accession A3 | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["note"])')" \
	"DISCONTINUED/Discontinued for unspecified reason" "the order says why"

# ---- sent on ----
wait_for 15 '[ "$(state county A1)" = COMPLETED ]'
is "$(state county A1)" COMPLETED "the node above knows of it"
is "$(grep -c 'event=mpps_delivered' "$T/clinic.log")" "$(grep -c 'level=info .*event=mpps_\(created\|set\)' "$T/clinic.log")" "each message was delivered once"
stop_node county
begin b4 A4 S4 1.2.6
finish d4 COMPLETED 1.2.6.1.1
pacs clinic order add --accession A4 --step-id S4 --study-uid 1.2.6 --patient-id P1 --patient-name X --modality DX >/dev/null
is "$(call "create:2.25.4:$T/b4" "set:2.25.4:$T/more" "set:2.25.4:$T/d4" | cut -c1-4 | tr '\n' ' ')" "0000 0000 0000 " "while the node above is away steps are taken"
kill_node clinic
serve_node clinic
is "$(pacs clinic --json queue list | python3 -c 'import json,sys; print([j["kind"] for j in json.load(sys.stdin)].count("mpps"))')" 3 "they wait in the queue, over a kill"
serve_node county
pacs county order add --accession A4 --step-id S4 --study-uid 1.2.6 --patient-id P1 --patient-name X --modality DX >/dev/null
check "and go out in order when it is back" wait_for 30 '[ "$(pacs clinic --json queue list | grep -c mpps)" = 0 ]'
is "$(grep -o 'event=mpps_\(created\|set\) mpps=2.25.4 .*state="*[A-Z ]*' "$T/county.log" | sed 's/event=\([a-z_]*\).*state="*/\1 /; s/ *$//; s/" *$//' | tr '\n' '|')" \
	"mpps_created IN PROGRESS|mpps_set IN PROGRESS|mpps_set COMPLETED|" "N-CREATE first, then each N-SET"
grep -q '张\|P1 ' "$T/clinic.log" && not_ok "the log names no patient" || ok "the log names no patient"
done_testing
