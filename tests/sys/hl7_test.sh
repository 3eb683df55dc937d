#!/bin/bash
# HL7 v2 over MLLP: orders and admissions in GB18030 and UTF-8, acknowledgements that follow a commit, refusals that say why,
# quarantine, senders that are not allowed, and a router that is away.
. "$(dirname "$0")/../lib/sys.sh"
HL7=$(free_port)
start_node county county "accept = any
order_days = 0
hl7_port = $HL7" || exit

send() { python3 "$ROOT/tests/lib/mllp.py" "$HL7" "$@" 2>&1; }
order() { pacs county --json order list --all | python3 -c '
import json, sys
for o in json.load(sys.stdin):
    if o["accession"] == sys.argv[1]:
        print("/".join(str(o.get(k, "")) for k in sys.argv[2:]))' "$@"; }

cat > "$T/new" <<'END'
MSH|^~\&|HIS|医院|PACS|县医院|20260301080000||ORM^O01|M1|P|2.3.1||||||GB 18030-2000
PID|1||P100^^^HIS^PI||欧阳^镕||19700301|M
PV1|1|O|内科^12^3|||||D5^王^主任|||||||||||V77
AL1|1||青霉素
ORC|NW|PL100||||||||||||D7^李^四
OBR|1|PL100||DR01^胸部正侧位^LOCAL||||||||||||D7^李^四||A100|RP100|ST100||||DX|||^^^20260301093000^^S||||CHEST^咳嗽三周
END
OUT=$(send gb18030 "$T/new")
case $OUT in *"MSA|AA|M1"*) ok "an order is acknowledged" ;; *) not_ok "an order is acknowledged" "$OUT" ;; esac
case $OUT in *"|PACS|县医院|HIS|医院|"*"ACK^O01"*"GB 18030-2000"*) ok "in the sender's character set, from whom it was sent to" ;; *) not_ok "in the sender's character set, from whom it was sent to" "$OUT" ;; esac
is "$(order A100 patient_name patient_id issuer description reason requesting referring modality date time priority procedure_id step_id admission_id allergies)" \
	"欧阳^镕/P100/HIS/胸部正侧位/咳嗽三周/李^四/王^主任/DX/20260301/093000/STAT/RP100/ST100/V77/青霉素" "every field is where it belongs"
is "$(send gb18030 --split 7 "$T/new" "$T/new" | grep -c 'MSA|AA|M1')" 2 "the same again, in small pieces, changes nothing and is acknowledged"
is "$(pacs county --json order list --all | grep -c accession)" 1 "there is one order"

cat > "$T/omi" <<'END'
MSH|^~\&|RIS|H|PACS|C|20260301080000||OMI^O23^OMI_O23|M2|P|2.5.1||||||UNICODE UTF-8
PID|1||P200^^^HIS||Zhang^San^^^^^L^A~张^三^^^^^L^I||19800101|F
ORC|NW|PL200|FI200
TQ1|1||||||202603021015||R
OBR|1|PL200|FI200|US01^Abdomen^LOCAL
IPC|A200|RP200|1.2.3.200|SP1|US||US1^Room|East|US1
IPC|A200|RP200|1.2.3.200|SP2|US||US2^Room|West|US2
END
is "$(send utf-8 "$T/omi" | grep -c 'MSA|AA|M2')" 1 "OMI^O23 with two steps"
is "$(order A200 patient_name step_id station_aet study_uid date time)" "Zhang^San=张^三/SP2/US2/1.2.3.200/20260302/101500
Zhang^San=张^三/SP1/US1/1.2.3.200/20260302/101500" "each IPC is a step; alphabetic and ideographic names are one"
sed 's/ORC|NW/ORC|CA/; s/|M2|/|M3|/; /SP2/d' "$T/omi" > "$T/cancel"
is "$(send utf-8 "$T/cancel" | grep -c 'MSA|AA|M3'):$(order A200 step_id state | tr '\n' ' ')" "1:SP2/SCHEDULED SP1/CANCELED " "one step is cancelled"

# A trail byte of GBK that looks like a field separator, in front of MSH-18 and in a name: 倈 is 82 7C, 乛 is 81 5E, 亊 is 81 7E, 乗 is 81 5C
cat > "$T/trail" <<'END'
MSH|^~\&|倈|乛|PACS|乗亊|20260301080000||ORM^O01|M4|P|2.4||||||GBK
PID|1||P300||倈^乛乗||19700301|女
ORC|NW|PL300
OBR|1|PL300||DR01^倈乛||||||||||||||A300||||||DX
END
is "$(send gbk "$T/trail" | grep -c 'MSA|AA|M4'):$(order A300 patient_name description sex)" "1:倈^乛乗/倈乛/F" "trail bytes that look like separators are text"
sed 's/|GBK$//; s/M4/M5/; s/300/301/g' "$T/trail" > "$T/untold"
is "$(send gb18030 "$T/untold" | grep -c 'MSA|AA|M5'):$(order A301 patient_name)" "1:倈^乛乗" "a message that does not say its set is looked at"

# ---- admissions ----
cat > "$T/adt" <<'END'
MSH|^~\&|HIS|H|PACS|C|20260301080000||ADT^A08|M6|P|2.4||||||UTF-8
PID|1||P300||贾^宝玉||19700302|M
PV1|1|I|外科^7^1
END
sed 's/A08/A01/; s/M6/M7/; s/宝玉/琏/' "$T/adt" > "$T/a01"
is "$(send utf-8 "$T/a01" | grep -c 'MSA|AA|M7'):$(order A300 patient_name birth_date patient_location)" "1:贾^琏/19700302/外科 7 1" "ADT^A01 brings the patient's open orders up to date"

# ---- refusals ----
sed 's/|DX|/||/; s/M1/M8/; s/A100/A101/; s/PL100/PL101/g; s/ST100/ST101/; s/RP100/RP101/' "$T/new" > "$T/nomod"
OUT=$(send gb18030 "$T/nomod")
case $OUT in *"MSA|AE|M8|OBR-24, the modality, is empty"*"ERR|OBR^1^24^101&Required field missing"*) ok "a missing field is AE, with segment, field and reason (2.3)" ;; *) not_ok "a missing field is AE, with segment, field and reason (2.3)" "$OUT" ;; esac
sed 's/IPC|A200/IPC|THIS-IS-FAR-TOO-LONG-A-NUMBER/; s/M2/M9/; s/PL200/PL209/g; s/FI200/FI209/g' "$T/omi" > "$T/long"
OUT=$(send utf-8 "$T/long")
case $OUT in *"MSA|AE|M9|IPC-1: accession has 29 letters, DICOM allows 16"*"ERR||IPC^1^1|102^Data type error^HL70357|E||||IPC-1"*) ok "a number that is too long is AE (2.5)" ;; *) not_ok "a number that is too long is AE (2.5)" "$OUT" ;; esac
sed 's/P100\^\^\^HIS/P999^^^HIS/; s/M1/M10/' "$T/new" > "$T/other"
case $(send gb18030 "$T/other") in *"MSA|AE|M10|"*"another patient"*) ok "another patient under the same accession is AE" ;; *) not_ok "another patient under the same accession is AE" ;; esac
sed 's/ORM^O01/ORU^R01/; s/M1/M11/' "$T/new" > "$T/oru"
case $(send gb18030 "$T/oru") in *"MSA|AR|M11|"*"200&Unsupported message type"*) ok "a type that is not for us is AR" ;; *) not_ok "a type that is not for us is AR" ;; esac
sed 's/A08/A03/; s/M6/M12/' "$T/adt" > "$T/a03"
case $(send utf-8 "$T/a03") in *"MSA|AR|M12|"*"201&Unsupported event"*) ok "an event that is not for us is AR" ;; *) not_ok "an event that is not for us is AR" ;; esac
printf 'HELLO WORLD' > "$T/junk"
OUT=$(printf 'MSHJUNK' > "$T/junk2"; send latin-1 --raw "$T/junk2")
case $OUT in *"MSA|AE||MSH-1 is"*) ok "junk is answered" ;; *) not_ok "junk is answered" "$OUT" ;; esac
is "$(pacs county --json order messages | python3 -c 'import json,sys; print(" ".join(sorted(m["control"] for m in json.load(sys.stdin))))')" " M10 M11 M12 M8 M9" "all of them are in quarantine"
is "$(pacs county --json order messages | python3 -c 'import json,sys; print([m["reason"] for m in json.load(sys.stdin) if m["control"] == "M8"][0])')" "OBR-24, the modality, is empty" "with the reason"
is "$(order A101 state)" "" "nothing of a refused message is taken"
grep -q '欧阳\|P100\|贾' "$T/county.log" && not_ok "the log names no patient" || ok "the log names no patient"

# ---- files ----
tr '\n' '\r' < "$T/omi" | sed 's/200/400/g' > "$T/file.hl7"
check_says "2 new" "an HL7 file is imported" pacs county order import "$T/file.hl7"
{ cat "$T/omi"; echo; sed 's/|DX|/||/; s/A100/A102/' "$T/new"; } > "$T/two.hl7"
check_says "message 2: OBR-24" "a bad message in a file is named" pacs county order import "$T/two.hl7"

# ---- the router is away ----
ROUTER=$(child_pid county router)
kill -STOP "$ROUTER"
sed 's/M1|/M20|/; s/A100/A120/; s/PL100/PL120/g; s/ST100/ST120/' "$T/new" > "$T/late"
(send gb18030 "$T/late" > "$T/late.out") & SENDER=$!
wait_for 5 'grep -q . "$T/late.out"' && not_ok "no answer before the router has committed" || ok "no answer before the router has committed"
kill -CONT "$ROUTER"
wait $SENDER
is "$(grep -c 'MSA|AA|M20' "$T/late.out"):$(order A120 state)" "1:SCHEDULED" "and AA when it has"
kill -KILL "$ROUTER"
OUT=$(sed 's/M1|/M21|/; s/A100/A121/; s/PL100/PL121/g; s/ST100/ST121/' "$T/new" > "$T/down"; send gb18030 "$T/down")
case $OUT in *"MSA|AR|M21|"*"207&"*) ok "without a router the sender is told to come again" ;; *"MSA|AA|M21"*) ok "without a router the sender is told to come again # it was back already" ;; *) not_ok "without a router the sender is told to come again" "$OUT" ;; esac
wait_ready county
is "$(order A120 state)" "SCHEDULED" "what was acknowledged is there after a kill"
is "$(send gb18030 "$T/down" | grep -c 'MSA|AA|M21')" 1 "and the second try is taken"

# ---- who may send ----
pacs county --json status | python3 -c 'import json,sys; s = json.load(sys.stdin)["hl7d"]; sys.exit(not (s["running"] and s["accepted"] > 0))' && ok "status shows the receiver" || not_ok "status shows the receiver"
sed -i 's/^hl7_port/hl7_from = "10.*"\nhl7_port/' "$T/county/pacs.conf"
check "the configuration is read again" pacs county reload
case $(send utf-8 "$T/adt" | tail -1) in *CLOSED*|*Connection*|*Broken*) ok "a sender that is not allowed is not listened to" ;; *) not_ok "a sender that is not allowed is not listened to" ;; esac
done_testing
