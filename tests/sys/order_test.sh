#!/bin/bash
# Orders by hand and by CSV, and the modality worklist that they make, asked by DCMTK's findscu.
. "$(dirname "$0")/../lib/sys.sh"

QUERIES=/usr/share/doc/dcmtk/examples/wlistqry
TODAY=$(date +%Y%m%d)
start_node county county 'accept = any
node "GBMOD" {
	aet = "GBMOD"
	charset = "GB18030"
}' || exit

# ask AE KEYS...   the worklist as one modality sees it; each answer is left in $T/answers
ask()
{
	local aet=$1; shift
	rm -rf "$T/answers"; mkdir "$T/answers"
	findscu -W -X -od "$T/answers" -aet "$aet" -aec COUNTY "$@" 127.0.0.1 "${PORT[county]}" > "$T/findscu.out" 2>&1
}
answers() { find "$T/answers" -name '*.dcm' | wc -l; }
# value FILE TAG   as dcmdump shows it, in UTF-8
value() { dcmdump -q +U8 +P "$2" "$1" 2>/dev/null | sed -n '1s/^[^[]*\[\([^]]*\)\].*/\1/p'; }
accessions() { for f in "$T"/answers/*.dcm; do value "$f" 0008,0050; done | sort | tr '\n' ' '; }

# ---- by hand ----
check "an order is added by hand" pacs county order add --accession A1 --patient-id P1 --patient-name '张^三' --birth-date 1970-03-01 --sex 女 \
	--modality dx --station-aet DR1 --date 20260301 --time 0815 --description '胸部正侧位' --reason '咳嗽三周' --requesting '李^四' --priority STAT --admission-id V9 --allergies 青霉素
check_says "1 as they were" "the same again changes nothing" pacs county order add --accession A1 --patient-id P1 --patient-name '张^三' --modality DX
check_exit 2 "an order without modality is refused" pacs county order add --accession A2 --patient-id P1 --patient-name X
check_says "belongs to another patient" "an order never changes its patient" pacs county order add --accession A1 --patient-id P2 --patient-name X --modality DX

# ---- by CSV ----
cat > "$T/bad.csv" <<'END'
accession,patient_id,patient_name,modality,date
B1,P5,Wang^Wu,CT,20260301
B2,P6,"Zhao^Liu",CT,2026-13-41
END
check_says "line 3: date is \"2026-13-41\"" "a CSV error names line and field" pacs county order import "$T/bad.csv"
echo 'accession,patient' > "$T/unknown.csv"
check_says "no field of an order" "an unknown column is named" pacs county order import "$T/unknown.csv"
is "$(pacs county --json order list --accession B1)" "[]" "nothing of a bad file is taken"
cat > "$T/good.csv" <<'END'
accession,patient_id,patient_name,modality,station_aet,date,time,performing,description
B1,P5,Wang^Wu,CT,CT1,20260301,10:00,Chen^Qi,"head, plain"
B2,P6,Zhao^Liu,US,,20260302,09:30,,abdomen
B3,P7,"Sun^""Ba""",US,US1,20260303,120000,,
B4,P8,Today^Ti,US,US1,,,,
END
iconv -f UTF-8 -t GB18030 > "$T/gb.csv" <<'END'
accession,patient_id,patient_name,modality,station_aet,date
G1,P9,欧阳^镕,DX,DR1,20260301
END
check_says "4 new" "a CSV file is taken" pacs county order import "$T/good.csv"
check_says "1 new" "a CSV file in GB18030 is taken" pacs county order import "$T/gb.csv"

# ---- the worklist ----
FULL=(-k 0008,0050 -k 0010,0010 -k 0010,0020 -k 0010,0030 -k 0010,0040 -k 0020,000d -k 0032,1032 -k 0032,1060 -k 0038,0010 -k 0040,1001 -k 0040,1002 -k 0040,1003 -k 0010,2110)
step() { local keys=(); for k in "$@"; do keys+=(-k "(0040,0100)[0].$k"); done; printf '%s\n' "${keys[@]}"; }
mapfile -t STEP < <(step 0008,0060 0040,0001 0040,0002 0040,0003 0040,0006 0040,0007 0040,0009 0040,0010 0040,0011 0040,0020)

ask CR1 "${FULL[@]}" "${STEP[@]}" -k "(0040,0100)[0].0040,0001=DR1" -k "(0040,0100)[0].0040,0002=20260301"
is "$(accessions)" "A1 G1 " "station and date choose"
F=$(grep -l A1 "$T"/answers/*.dcm | head -1)
is "$(value "$F" 0010,0010)/$(value "$F" 0040,0007)/$(value "$F" 0032,1032)/$(value "$F" 0040,1002)" "张^三/胸部正侧位/李^四/咳嗽三周" "Chinese text comes back"
is "$(dcmdump -q +P 0008,0005 "$F" | sed 's/.*\[\(.*\)\].*/\1/')" "ISO_IR 192" "in UTF-8, for a caller without a set of its own"
is "$(value "$F" 0008,0060)/$(value "$F" 0040,0001)/$(value "$F" 0040,0002)/$(value "$F" 0040,0003)/$(value "$F" 0040,0020)/$(value "$F" 0040,1003)" \
	"DX/DR1/20260301/081500/SCHEDULED/STAT" "the step's keys are returned"
is "$(value "$F" 0010,0030)/$(value "$F" 0010,0040)/$(value "$F" 0038,0010)/$(value "$F" 0010,2110)" "19700301/F/V9/青霉素" "the patient's keys are returned"
STUDY=$(value "$F" 0020,000d)
ask CR1 "${FULL[@]}" "${STEP[@]}" -k 0008,0050=A1
is "$(value "$T"/answers/rsp0001.dcm 0020,000d)" "$STUDY" "the Study Instance UID stays the same"
case $STUDY in 2.25.*) ok "and is one of ours" ;; *) not_ok "and is one of ours" "$STUDY" ;; esac
ask GBMOD "${FULL[@]}" "${STEP[@]}" -k 0008,0050=G1
is "$(dcmdump -q +P 0008,0005 "$T"/answers/rsp0001.dcm | sed 's/.*\[\(.*\)\].*/\1/')/$(value "$T"/answers/rsp0001.dcm 0010,0010)" "GB18030/欧阳^镕" "a node with charset GB18030 is answered in it"
ask GBMOD -k 0008,0005=GB18030 -k 0008,0050 -k "0010,0010=$(printf '欧阳*' | iconv -t GB18030)" "${STEP[@]}"
is "$(accessions)" "G1 " "a name key in GB18030 matches"
ask CR1 -k 0008,0050 -k "0010,0010=wang*" "${STEP[@]}"
is "$(accessions)" "B1 " "names match without regard to case, with wildcards"
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0008,0060=US" -k "(0040,0100)[0].0040,0002=20260301-"
is "$(accessions)" "B2 B3 B4 " "the modality chooses"
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0002=20260301-20260302"
is "$(accessions)" "A1 B1 B2 G1 " "a date range chooses"
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0002=20260301-20260302" -k "(0040,0100)[0].0040,0003=0900-0940"
is "$(accessions)" "B1 B2 " "date and time ranges are one stretch of time"
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0002=20260301" -k "(0040,0100)[0].0040,0003=0900-1000"
is "$(accessions)" "B1 " "one date with a range of times"
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0006=chen*" -k "(0040,0100)[0].0040,0002=20260301-"
is "$(accessions)" "B1 " "the performing physician chooses"
ask US7 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0001=US7" -k "(0040,0100)[0].0040,0002=20260302"
is "$(accessions)$(value "$T"/answers/rsp0001.dcm 0040,0001)" "B2 US7" "an order for no station is for the one that asks"
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0002=$TODAY"
is "$(accessions)" "B4 " "an order without a date is for today"
ask CR1 -k 0008,0050 -k "0040,0100"
is "$(answers)" 1 "without a date, what is over order_days old has left the list (only today's is there)"
FAILS=
for q in "$QUERIES"/*.dump; do
	[ -e "$q" ] || continue
	dump2dcm -q "$q" "$T/q.dcm"
	findscu -v -W -aet CR1 -aec COUNTY 127.0.0.1 "${PORT[county]}" "$T/q.dcm" > "$T/findscu.out" 2>&1
	grep -q 'Final Find Response (Success)' "$T/findscu.out" || FAILS="$FAILS ${q##*/}"
done
is "$FAILS" "" "each of DCMTK's worklist queries is answered"
findscu -W -v --cancel 1 -aet CR1 -aec COUNTY -k 0008,0050 "${STEP[@]}" 127.0.0.1 "${PORT[county]}" > "$T/cancel.out" 2>&1
check "a cancelled query ends" grep -qi 'cancel' "$T/cancel.out"
check_says "DataSetDoesNotMatchSOPClass" "a date that is none is refused" findscu -W -v -aet CR1 -aec COUNTY -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0002=2026" 127.0.0.1 "${PORT[county]}"

# ---- cancel, and after a crash ----
check "an order is cancelled" pacs county order cancel A1 --note 'came by ambulance'
check_exit 1 "cancelling what is not known says so" pacs county order cancel NOPE
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0001=DR1" -k "(0040,0100)[0].0040,0002=20260301"
is "$(accessions)" "G1 " "a cancelled order has left the worklist"
kill_node county
serve_node county
ask CR1 -k 0008,0050 "${STEP[@]}" -k "(0040,0100)[0].0040,0002=20260301-20260303"
is "$(accessions)" "B1 B2 B3 G1 " "orders survive a kill"
is "$(pacs county --json order list --all | python3 -c 'import json,sys; print([o["note"] for o in json.load(sys.stdin) if o["accession"] == "A1"])')" "['came by ambulance']" "the list shows why"
done_testing
