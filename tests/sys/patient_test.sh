#!/bin/bash
# Patient update and merge by HL7: queries and outgoing copies show the patient of today, the kept files are untouched, and an
# index that is built anew from the files knows of it again.
. "$(dirname "$0")/../lib/sys.sh"
HL7=$(free_port)
SINK=$(free_port)
start_node county county "accept = any
hl7_port = $HL7
node \"HERE\" {
	aet = \"HERE\"
	host = \"127.0.0.1\"
	port = $SINK
}" || exit

send() { python3 "$ROOT/tests/lib/mllp.py" "$HL7" gb18030 "$@" 2>&1; }
# image FILE STUDY ID NAME BORN [CHARSET ISSUER]    NAME in UTF-8
image()
{
	local charset=${6:-GB18030} issuer=${7:-}
	{
		echo "(0008,0005) CS [$charset]"
		printf '%s\n' '(0008,0016) UI [1.2.840.10008.5.1.4.1.1.1.1]' "(0008,0018) UI [$2.1.1]" '(0008,0020) DA [20260301]' '(0008,0050) SH [A1]' '(0008,0060) CS [DX]'
		echo "(0010,0010) PN [$4]" | iconv -f UTF-8 -t "$([ "$charset" = GB18030 ] && echo GB18030 || echo UTF-8)"
		echo "(0010,0020) LO [$3]"
		[ -z "$issuer" ] || echo "(0010,0021) LO [$issuer]"
		printf '%s\n' "(0010,0030) DA [$5]" '(0010,0040) CS [M]' "(0020,000d) UI [$2]" "(0020,000e) UI [$2.1]" '(0020,0013) IS [1]' \
			'(0028,0002) US 1' '(0028,0004) CS [MONOCHROME2]' '(0028,0010) US 64' '(0028,0011) US 64' '(0028,0100) US 8' '(0028,0101) US 8' \
			'(0028,0102) US 7' '(0028,0103) US 0' "(7fe0,0010) OB =$1.raw"
	} > "$1.dump"
	head -c 4096 /dev/urandom > "$1.raw"
	dump2dcm -q +te "$1.dump" "$1"
}
store() { storescu -aet CR1 -aec COUNTY 127.0.0.1 "${PORT[county]}" "$@"; }
# who STUDY   name/ID/birth date as a query tells it
who()
{
	rm -f "$T"/rsp*
	findscu -S -X -od "$T" -aet CR1 -aec COUNTY -k QueryRetrieveLevel=STUDY -k "StudyInstanceUID=$1" -k PatientName -k PatientID -k PatientBirthDate 127.0.0.1 "${PORT[county]}" >/dev/null 2>&1
	echo "$(value "$T/rsp0001.dcm" 0010,0010)/$(value "$T/rsp0001.dcm" 0010,0020)/$(value "$T/rsp0001.dcm" 0010,0030)"
}
value() { dcmdump -q +U8 +P "$2" "$1" 2>/dev/null | sed -n '1s/^[^[]*\[\([^]]*\)\].*/\1/p'; }
all() { dcmdump -q +U8 +P "$2" "$1" 2>/dev/null | sed 's/^[^[]*\[\([^]]*\)\].*/\1/' | tr '\n' '|'; }
get() { rm -rf "$T/got"; mkdir "$T/got"; getscu -q -S -od "$T/got" -aet CR1 -aec COUNTY -k QueryRetrieveLevel=STUDY -k "StudyInstanceUID=$1" 127.0.0.1 "${PORT[county]}" >/dev/null 2>&1; find "$T/got" -type f | head -1; }
kept() { (cd "$T/county/store" && find . -type f | sort | xargs sha256sum); }

image "$T/i1" 1.2.1 P100 '章^三' 19700301
image "$T/i2" 1.2.2 P200 '张^三' 19700301
image "$T/i3" 1.2.3 P100 '王^五' 19550505
image "$T/i4" 1.2.4 P300 'Li^Si' 19800101 'ISO_IR 100' HIS
image "$T/d1" 1.2.55 P100 '章^三' 19700301
store "$T/i1" "$T/i2" "$T/i4" || not_ok "images are stored"
dcmconv +td "$T/d1" "$T/d1z" && store -xd "$T/d1z" || not_ok "a deflated image is stored"
BEFORE=$(kept)

# ---- update ----
cat > "$T/a08" <<'END'
MSH|^~\&|HIS|H|PACS|C|20260301080000||ADT^A08|U1|P|2.4||||||GB18030
PID|1||P100||张^三||19700301|M
END
is "$(send "$T/a08" | grep -c 'MSA|AA|U1')" 1 "a patient update is acknowledged"
check "the index follows" wait_for 10 '[ "$(who 1.2.1)" = "张^三/P100/19700301" ]'
F=$(get 1.2.1)
is "$(value "$F" 0010,0010)/$(value "$F" 0010,0020)/$(dcmdump -q +P 0008,0005 "$F" | sed 's/.*\[\(.*\)\].*/\1/')" "张^三/P100/GB18030" "C-GET gives the new name, in the image's character set"
is "$(dcmdump -q +U8 "$F" | grep -c '0400,0561')" 1 "with an Original Attributes Sequence"
is "$(all "$F" 0010,0010)$(value "$F" 0400,0565)" "张^三|章^三|COERCE" "that holds the old name and the reason"
dcmdump -q +L +P 7fe0,0010 "$F" > "$T/a"; dcmdump -q +L +P 7fe0,0010 "$T/i1" > "$T/b"
check "the samples are untouched" cmp "$T/a" "$T/b"
is "$(kept)" "$BEFORE" "and so are the kept files"
check "what goes out is right by DCMTK's reader" dcmftest "$F"

# A name that the image's set lacks
cat > "$T/a08b" <<'END'
MSH|^~\&|HIS|H|PACS|C|20260301080000||ADT^A31|U2|P|2.4||||||GB18030
PID|1||P300^^^HIS||李^四||19800101|M
END
send "$T/a08b" >/dev/null
wait_for 10 '[ "$(who 1.2.4)" = "李^四/P300/19800101" ]'
F=$(get 1.2.4)
is "$(value "$F" 0010,0010)/$(dcmdump -q +P 0008,0005 "$F" | sed 's/.*\[\(.*\)\].*/\1/')/$(all "$F" 0010,0010)" "李^四/ISO_IR 192/李^四|Li^Si|" "a name that its set cannot write makes it UTF-8"

# ---- merge ----
cat > "$T/a40" <<'END'
MSH|^~\&|HIS|H|PACS|C|20260301080000||ADT^A40|U3|P|2.4||||||GB18030
PID|1||P200||张^三||19700302|M
MRG|P100
END
pacs county order add --accession O1 --patient-id P100 --patient-name X --modality DX --date 20260301 > /dev/null
is "$(send "$T/a40" | grep -c 'MSA|AA|U3')" 1 "a merge is acknowledged"
check "both studies are of the surviving patient" wait_for 10 '[ "$(who 1.2.1)$(who 1.2.2)" = "张^三/P200/19700302张^三/P200/19700302" ]'
findscu -P -X -od "$T" -aet CR1 -aec COUNTY -k QueryRetrieveLevel=PATIENT -k PatientID=P100 127.0.0.1 "${PORT[county]}" > "$T/out" 2>&1
rm -f "$T"/rsp*; findscu -P -X -od "$T" -aet CR1 -aec COUNTY -k QueryRetrieveLevel=PATIENT -k PatientID=P100 127.0.0.1 "${PORT[county]}" > "$T/out" 2>&1
[ -e "$T/rsp0001.dcm" ] && not_ok "the old patient is no more" || ok "the old patient is no more"
is "$(pacs county --json order list --accession O1 | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["patient_id"])')" P200 "its orders went over too"
F=$(get 1.2.1)
is "$(value "$F" 0010,0020)/$(all "$F" 0010,0020)" "P200/P200|P100|" "C-GET gives the new ID and keeps the old one on record"
mkdir -p "$T/moved"
storescp +xd -aet HERE -od "$T/moved" "$SINK" > "$T/sink.log" 2>&1 & PID[sink]=$!
wait_for 10 'echoscu 127.0.0.1 "$SINK"'
movescu -S -aet CR1 -aec COUNTY -aem HERE -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=1.2.1 127.0.0.1 "${PORT[county]}" > /dev/null 2>&1
is "$(value "$(find "$T/moved" -type f | head -1)" 0010,0020)" P200 "C-MOVE too"
# A head that is packed together with the samples.
mkdir "$T/before" && mv "$T"/moved/* "$T/before"
movescu -q -S -aet CR1 -aec COUNTY -aem HERE -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=1.2.55 127.0.0.1 "${PORT[county]}" > /dev/null 2>&1
F=$(find "$T/moved" -type f | head -1)
is "$(value "$F" 0010,0020)/$(dcmdump -q +P 0002,0010 "$F" | grep -o "=[A-Za-z]*")" "P200/=DeflatedLittleEndianExplicit" "a deflated image goes out corrected, and deflated"
mkdir "$T/raw" && (cd "$T/raw" && dcmdump -q +W . "$F" > /dev/null 2>&1)
check "... with its samples" cmp -n 4096 "$T/d1.raw" "$(find "$T/raw" -type f | head -1)"
pacs county route add fwd --action forward --to HERE >/dev/null
image "$T/i5" 1.2.5 P100 '张^三' 19700301
store "$T/i5"
check "an image that comes later under the old ID is of the surviving patient" wait_for 10 '[ "$(who 1.2.5)" = "张^三/P200/19700302" ]'
check "and goes on so" wait_for 10 'for f in "$T"/moved/*; do [ "$(value "$f" 0020,000d)" = 1.2.5 ] && [ "$(value "$f" 0010,0020)" = P200 ] && exit 0; done; exit 1'
is "$(kept | grep -c "$(echo "$BEFORE" | head -1 | cut -d' ' -f1)")" 1 "the kept files are what they were"
is "$(field county index.conflicts)" 0 "nothing of it is a conflict"

# Another person with the same number at another hospital: nothing but the number agrees
cat > "$T/stranger" <<'END'
MSH|^~\&|HIS|H|PACS|C|20260301080000||ADT^A08|U4|P|2.4||||||GB18030
PID|1||P200^^^OTHER||赵^六||19990909|F
END
is "$(send "$T/stranger" | grep -c 'MSA|AA|U4')" 1 "an update of somebody else with that number is taken"
wait_for 10 'grep -q "event=patients_changed .*seq=4" "$T/county.log"'
is "$(who 1.2.1)" "张^三/P200/19700302" "and changes nothing here"

# ---- storescp away, then the index lost ----
kill -STOP "$(child_pid county storescp)"
cat > "$T/late" <<'END'
MSH|^~\&|HIS|H|PACS|C|20260301080000||ADT^A08|U5|P|2.4||||||GB18030
PID|1||P200||张^三丰||19700302|M
END
is "$(send "$T/late" | grep -c 'MSA|AA|U5')" 1 "an update is acknowledged while storescp stands still"
pkill_storescp=$(pgrep -P "${PID[county]}" storescp)
kill -KILL "$pkill_storescp"
check "and applied when it is back" wait_for 30 '[ "$(who 1.2.1)" = "张^三丰/P200/19700302" ]'
stop_node county
rm -f "$T/county"/index.db*
serve_node county
check "an index built anew from the files gets every change again" wait_for 30 '[ "$(who 1.2.1)|$(who 1.2.4)|$(who 1.2.5)" = "张^三丰/P200/19700302|李^四/P300/19800101|张^三丰/P200/19700302" ]'
F=$(get 1.2.5)
is "$(value "$F" 0010,0010)" "张^三丰" "and so do outgoing copies"
grep -q '张\|P100\|P200' "$T/county.log" && not_ok "the log names no patient" || ok "the log names no patient"
done_testing
