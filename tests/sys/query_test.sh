#!/bin/bash
# Query and retrieve by the letter, over the wire: extended negotiation, cancel, more kinds than one association has contexts for.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"

S=1.2.826.0.1.3680043.9.12
mkdir "$T/in" "$T/many"
make_object "$T/in/1.dcm" 'charset=ISO_IR 192' name='ZHANG^SAN=张^三' id=P1 study=$S.1 date=20260301 time=235000 number=1 modality=US
make_object "$T/in/2.dcm" 'charset=ISO_IR 192' name='ZHANG^SAN=张^三' id=P1 study=$S.1 date=20260301 time=235000 series_number=2 number=7 modality=SR class=1.2.840.10008.5.1.4.1.1.7
make_object "$T/in/3.dcm" name='LI^SI' id=P2 study=$S.2 date=20260302 time=001000 number=1 modality=US
make_object "$T/in/4.dcm" name='WANG^WU' id=P3 study=$S.3 date=20260302 time=120000 accession=X9 number=1 modality=DX

export TZ=Asia/Shanghai
start_node county county 'accept = any' || { not_ok "the node starts"; done_testing; }
AT="127.0.0.1 ${PORT[county]}"
check "four objects are stored" storescu -aec COUNTY $AT +sd "$T/in"

# asked OPTIONS... KEYS...   the answers' Study UIDs without their common beginning, sorted, and the status
asked() { "$TOOLS/ask" --port "${PORT[county]}" --called COUNTY "$@" 2>&1 | sed "s/^$S\.//" | sort | tr '\n' ' ' | sed 's/ $//'; }
UID_KEY=0020000D=

is "$(asked --extended 1111111 00080052=STUDY $UID_KEY)" "1 2 3 extended 1111011 status 0000" "all is granted but another view of multi-frame images"
is "$(asked --extended 0100000 00080052=STUDY $UID_KEY)" "1 2 3 extended 0100000 status 0000" "what is not asked for is not granted"
is "$(asked --extended 1 00080052=STUDY $UID_KEY)" "1 2 3 extended 1 status 0000" "the answer is as long as the question"
is "$(asked --extended 1 00080052=STUDY $UID_KEY 00080060=SR)" "1 extended 1 status 0000" "relational: a series key at the study level"
is "$(asked --extended 1 00080052=STUDY $UID_KEY 00080018=$S.1.2.7)" "1 extended 1 status 0000" "relational: an image's UID at the study level"
is "$(asked --extended 1 00080052=STUDY $UID_KEY 00080060=US 00200013=7)" "extended 1 status 0000" "relational: both on one path"
is "$(asked --patient --extended 1 --show 00100020 00080052=PATIENT 00080050=X9)" "P3 extended 1 status 0000" "relational: a study key at the patient level"
is "$(asked --patient --show 00100020 00080052=PATIENT 00080050=X9)" "P1 P2 P3 status 0000" "hierarchical: it is not looked at"
is "$(asked --extended 01 00080052=STUDY $UID_KEY 00080020=20260301-20260302 00080030=2300-0100)" "1 2 extended 01 status 0000" "date and time are one interval"
is "$(asked --extended 00 00080052=STUDY $UID_KEY 00080020=20260301-20260302 00080030=2300-2359)" "1 extended 00 status 0000" "not negotiated: they are two"
is "$(asked --extended 001 00080052=STUDY $UID_KEY '00100010=san zhang')" "1 extended 001 status 0000" "fuzzy names"
is "$(asked --extended 0001 00080052=STUDY $UID_KEY 00080201=+0900 00080020=20260302)" "1 2 3 extended 0001 status 0000" "another time zone"
is "$(asked --extended 000001 00080052=STUDY $UID_KEY '00080050=""')" "extended 000001 status 0000" "empty values"
is "$(asked 00080052=STUDY $UID_KEY 00080020=yesterday)" "status a900" "a senseless key is A900"
is "$(asked 00080052=FRAME $UID_KEY)" "status a900" "an unknown level is A900"

# ---- more classes than one association has contexts for: two for each, 128 in all ----
n=0
for class in $(sed -n 's/.*{ P "\(1\.4\.1\.1\.[0-9.]*\)".*/1.2.840.10008.5.\1/p' "$ROOT/pacs/dicom/sop_table.c" | head -70); do
	n=$((n + 1))
	make_object "$T/many/$n.dcm" study=$S.9 number=$n class=$class
done
check "objects of $n classes are stored" "$TOOLS/load" --as-is --port "${PORT[county]}" --called COUNTY "$T"/many/*.dcm
LISTEN=$(free_port)
check "a destination becomes known" pacs county node add sink --aet SINK --host 127.0.0.1 --port "$LISTEN"
out=$("$TOOLS/get" --port "${PORT[county]}" --called COUNTY --move SINK --listen "$LISTEN" $S.9 2>&1)
is "$(echo "$out" | sed 's/ .*//')" "images=$n" "a C-MOVE sends them all, over several associations"
is "$(grep -c "event=retrieve .*completed=$n failed=0" "$T/county.log")" 1 "as one retrieval"
done_testing
