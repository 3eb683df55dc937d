#!/bin/bash
# pacs export: what the node has, on a medium: whole or not at all, read back by others and by ourselves, with and without the patient.
. "$(dirname "$0")/../lib/sys.sh"
. "$(dirname "$0")/../lib/objects.sh"

values() { dcmdump -q +P "$2" "$1" | sed -n 's/.*\[\(.*\)\].*/\1/p'; }
files_of() { find "$1" -type f ! -name DICOMDIR | sort; }
is_gone() { [ -z "$(find "$T" -maxdepth 1 -name "$1*")" ]; }
kept_file() { python3 -c '
import sqlite3, sys
oid = sqlite3.connect("file:%s/index.db?mode=ro" % sys.argv[1], uri=True).execute("SELECT oid FROM instance WHERE sop_uid = ?", (sys.argv[2],)).fetchone()[0]
print("%s/store/%04x/%03x/%012x.dcm" % (sys.argv[1], oid >> 24 & 0xffff, oid >> 12 & 0xfff, oid))' "$T/$1" "$2"; }
datasets() { for f in $(files_of "$1"); do dataset_bytes "$f" | md5sum; done | sort; }

start_node clinic clinic 'accept = any
charset = "GB18030"' || { not_ok "the node starts"; done_testing; }
mkdir "$T/in"
make_object "$T/in/1" sop=1.2.3.1.1.1 study=1.2.3.1 number=1 charset=GB18030 name='张小明^' id=PAT778899 birth=19700203 accession=ACC5544 modality=CR class=1.2.840.10008.5.1.4.1.1.1
make_object "$T/in/2" sop=1.2.3.1.1.2 study=1.2.3.1 number=2 charset=GB18030 name='张小明^' id=PAT778899 birth=19700203 accession=ACC5544 modality=CR class=1.2.840.10008.5.1.4.1.1.1
make_object "$T/in/3" sop=1.2.3.2.1.1 study=1.2.3.2 name='Zhang^XiaoMing' id=PAT778899 birth=19700203 accession=ACC5545 modality=US date=20260305
make_object "$T/in/4" sop=1.2.3.3.1.1 study=1.2.3.3 name='Wang^Fang' id=PAT112233 birth=19880808 accession=ACC5546 modality=DX class=1.2.840.10008.5.1.4.1.1.1.1 date=20260401
dcmdjpeg -q "$T/in/4" "$T/in/4" 2>/dev/null
make_object "$T/in/5" sop=1.2.3.3.1.2 study=1.2.3.3 number=2 name='Wang^Fang' id=PAT112233 birth=19880808 accession=ACC5546 modality=DX class=1.2.840.10008.5.1.4.1.1.1.1 date=20260401
dcmconv -q +td "$T/in/5" "$T/in/5"
make_object "$T/in/6" sop=1.2.3.4.1.1 study=1.2.3.4 name='Nobody^One' id='' modality=CR date=20260402
make_object "$T/in/7" sop=1.2.3.5.1.1 study=1.2.3.5 name='Nobody^One' id='' modality=CR date=20260402
check "seven images are in the node" pacs clinic import "$T/in"

# ---- which ----
check_exit 2 "without a choice nothing goes out" pacs clinic export "$T/out"
check_exit 2 "all and a choice exclude each other" pacs clinic export "$T/out" --all --patient-id PAT778899
check_exit 1 "a study that is not there is told" pacs clinic export "$T/out" --study 1.2.3.99
check_exit 1 "nobody's ID is a wildcard" pacs clinic export "$T/out" --patient-id 'PAT*'
check "and nothing was left of that" is_gone out
check "a patient's studies" pacs clinic export "$T/one" --patient-id PAT778899
is "$(files_of "$T/one" | wc -l)" 3 "three images of the patient"
check "by date and modality, as a word of study" pacs clinic study export "$T/two" --from 20260301 --to 20260331 --modality US
is "$(files_of "$T/two" | wc -l)" 1 "one of them"
check "two studies by UID" pacs clinic export "$T/three" --study 1.2.3.2,1.2.3.3
is "$(files_of "$T/three" | wc -l)" 3 "with three images"
check_exit 1 "an existing target is refused" pacs clinic export "$T/one" --all
is "$(files_of "$T/one" | wc -l)" 3 "and as it was"

# ---- a file set ----
check "all as a file set" pacs clinic export "$T/all" --all --dicomdir
is "$(datasets "$T/all")" "$(for f in "$T"/in/*; do dataset_bytes "$f" | md5sum; done | sort)" "each data set is as it was sent"
is "$(find "$T/all" -type f -printf '%P\n' | grep -v '^DICOMDIR$' | grep -cv '^P[0-9]\{5\}/S[0-9]\{5\}/E[0-9]\{5\}/I[0-9]\{7\}$')" 0 "names are those of a medium"
is "$(dcmdump -q "$T/all/DICOMDIR" | grep -c 'CS \[PATIENT\]')" 4 "DCMTK reads four patients in the DICOMDIR: those without an ID are two"
is "$(dcmdump -q "$T/all/DICOMDIR" | grep -c 'CS \[IMAGE\]')" 7 "and seven images"
for id in $(values "$T/all/DICOMDIR" 0004,1500 | tr '\\' '/'); do [ -f "$T/all/$id" ] || not_ok "file ID $id leads to a file"; done
is "$(values "$T/all/DICOMDIR" 0004,1500 | sort -u | wc -l)" 7 "each file ID leads to a file of its own"
is "$(dciodvfy "$T/all/DICOMDIR" 2>&1 | grep -c '^Error')" 0 "dciodvfy finds no error in the DICOMDIR"
check "pydicom walks it" /usr/bin/python3 - "$T/all/DICOMDIR" <<'PY'
import sys
from pydicom.fileset import FileSet
fs = FileSet(sys.argv[1])
assert len(fs) == 7, len(fs)
assert len({i.load().SOPInstanceUID for i in fs}) == 7
PY
start_node county county 'accept = any'
check "and it can be imported" pacs county import "$T/all"
is "$(field county index.images)" 7 "with all its images"
check_says "PAT778899" "and patients" pacs county study list

# ---- one archive, other syntaxes ----
check "one archive" pacs clinic export "$T/all.zip" --all --dicomdir --zip
is "$(python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(len(z.namelist()), z.testzip(), "DICOMDIR" in z.namelist())' "$T/all.zip")" "8 None True" "with eight files, whole, and the DICOMDIR at its root"
is "$(pacs county --json import "$T/all.zip" | python3 -c 'import json, sys; print([o["count"] for o in json.load(sys.stdin)["outcomes"] if o["outcome"] == "already there"])')" "[7]" "and the same images"
check "explicit, for discs" pacs clinic export "$T/plain" --all --dicomdir --ts explicit
is "$(for f in $(files_of "$T/plain"); do syntax_of "$f"; done | sort -u)" 1.2.840.10008.1.2.1 "everything is explicit little endian"
is "$(pacs county --json import "$T/plain" | python3 -c 'import json, sys; print([o["count"] for o in json.load(sys.stdin)["outcomes"] if o["outcome"] == "already there"])')" "[6]" "with equal content (what was deflated as a whole is not compared)"
check_exit 2 "a lossy syntax is refused" pacs clinic export "$T/lossy" --all --ts jpeg:90

# ---- what goes out is what the node sends: today's patient ----
printf 'MSH|^~\\&|HIS|H|PACS|P|20260401||ADT^A08|1|P|2.5||||||UNICODE UTF-8\rPID|||PAT112233||Wang^Fangfang||19880809|F\r' > "$T/adt.hl7"
pacs clinic order import "$T/adt.hl7" > "$T/adt" 2>&1 || note "$(cat "$T/adt")"
now_is() { rm -rf "$T/now"; pacs clinic export "$T/now" --study 1.2.3.3 --dicomdir > /dev/null && [ "$(values "$(files_of "$T/now" | head -1)" 0010,0010 | head -1)" = 'Wang^Fangfang' ]; }
check "a patient who was updated goes out with today's name" wait_for 20 now_is
is "$(for f in $(files_of "$T/now"); do values "$f" 0010,0010 | head -1; done | sort | uniq -c | sed 's/^ *//')" '2 Wang^Fangfang' "in every image, deflated ones too"
is "$(values "$T/now/DICOMDIR" 0010,0010 | head -1)" 'Wang^Fangfang' "and in the DICOMDIR"

# ---- and what people corrected ----
check "a study is given to a patient" pacs clinic study tag 1.2.3.4 PatientID=FIXED7 PatientName='Fixed^Name' --reason "no ID"
fixed() { rm -rf "$T/fixed"; pacs clinic export "$T/fixed" --patient-id FIXED7 --dicomdir > /dev/null; }
check "and goes out as his" wait_for 20 fixed
is "$(values "$(files_of "$T/fixed")" 0010,0010 | head -1)" 'Fixed^Name' "with his name in the file"
is "$(values "$T/fixed/DICOMDIR" 0010,0020)" FIXED7 "and his ID in the DICOMDIR"
check "de-identified" pacs clinic export "$T/fixed2" --patient-id FIXED7 --deidentify --accept-burned-in
is "$(grep -rlaE 'Fixed|FIXED7|Nobody' "$T/fixed2" | wc -l)" 0 "neither the old name nor the new one is in it"

# ---- whole or not at all ----
rm "$(kept_file clinic 1.2.3.5.1.1)"
check_exit 4 "a missing image is told" pacs clinic export "$T/less" --all --dicomdir
is "$(files_of "$T/less" | wc -l)" 6 "and the others go out"
is "$(pacs clinic --json import "$T/in/7" --calling AGAIN | grep -c repaired)" 1 "imported again it is there again"
mkdir "$T/small"
if mount -t tmpfs -o size=4k none "$T/small" 2>/dev/null; then
	check_exit 1 "a full disk is a failure" pacs clinic export "$T/small/out" --all
	check_says "full" "that says so" pacs clinic export "$T/small/out.zip" --all --zip
	is "$(ls "$T/small" | wc -l)" 0 "and leaves nothing"
	umount "$T/small"
else
	skip "a full disk" "no right to mount"
fi
mkdir "$T/slow"
"$BIN/pacs" -C "$T/clinic" export "$T/slow/out" --all --ts jpegls >/dev/null 2>&1 & EXPORT=$!
kill -KILL $EXPORT; wait $EXPORT 2>/dev/null
[ -e "$T/slow/out" ] && not_ok "a killed export has no target" || ok "a killed export has no target"
check "the next one to the same name" pacs clinic export "$T/slow/out" --all
is "$(ls "$T/slow")" out "removes what was left"

# ---- without the patient ----
head -c 32 /dev/urandom > "$T/key"
check_exit 2 "options of --deidentify need it" pacs clinic export "$T/x" --all --subject S1
check_exit 2 "an option that is none is refused" pacs clinic export "$T/x" --all --deidentify --retain names
check_exit 4 "ultrasound is left out" pacs clinic export "$T/anon" --patient-id PAT778899 --deidentify --dicomdir --key "$T/key" --map "$T/map" --retain modified-dates
is "$(files_of "$T/anon" | wc -l)" 2 "the others are there"
is "$(stat -c %a "$T/map")" 600 "who became whom is for one pair of eyes"
is "$(tail -n +2 "$T/map" | cut -f 1 | sort -u)" PAT778899 "and says it"
python3 - "$T/anon" > "$T/found" <<'PY'
import os, sys
words = [w.encode(c) for c in ("utf-8", "gb18030") for w in ("张小明", "小明", "PAT778899", "19700203", "ACC5544", "1.2.3.1")]
for d, _, fs in os.walk(sys.argv[1]):
    for f in fs:
        b = open(os.path.join(d, f), "rb").read()
        for w in words:
            if w in b:
                print(f, w)
PY
is "$(cat "$T/found")" "" "nothing of the patient is in any byte of it, the DICOMDIR included"
A=$(files_of "$T/anon" | head -1)
is "$(values "$A" 0012,0062)" YES "the file says that it is de-identified"
is "$(values "$A" 0028,0303)" MODIFIED "and what became of dates"
check "dates are moved, the same for the same patient" test "$(for f in $(files_of "$T/anon"); do values "$f" 0008,0020; done | sort -u | wc -l)" = 1
check "and are not the old ones" test "$(values "$A" 0008,0020)" != 20260301
is "$(for f in $(files_of "$T/anon"); do values "$f" 0020,000d; done | sort -u | grep -c '^2\.25\.')" 1 "two images of a study are of one study still"
is "$(dciodvfy "$A" 2>&1 | grep '^Error' | sed 's/<[^>]*>//g' | sort)" "$(dciodvfy "$T/in/1" 2>&1 | grep '^Error' | sed 's/<[^>]*>//g' | sort)" "dciodvfy finds no error that was not there before"
is "$(dcmdump -q +P 7fe0,0010 "$A" | md5sum)" "$(dcmdump -q +P 7fe0,0010 "$T/in/$(values "$A" 0020,0013)" | md5sum)" "pixels are the same"
check_exit 4 "with the same key" pacs clinic export "$T/anon2" --patient-id PAT778899 --deidentify --key "$T/key" --retain modified-dates
is "$(datasets "$T/anon2")" "$(datasets "$T/anon")" "the same images become the same"
check_exit 4 "with another" pacs clinic export "$T/anon3" --patient-id PAT778899 --deidentify
check "others" test "$(datasets "$T/anon3")" != "$(datasets "$T/anon")"
check "burned-in text can be accepted" pacs clinic export "$T/anon4" --patient-id PAT778899 --deidentify --accept-burned-in --subject CASE7
is "$(for f in $(files_of "$T/anon4"); do values "$f" 0010,0020; done | sort | uniq -c | sed 's/^ *//')" "3 CASE7" "and the subject be named"
check_exit 1 "an existing map is never changed" pacs clinic export "$T/anon5" --all --deidentify --map "$T/map"

# ---- the proof ----
make_object "$T/leak" sop=1.2.3.9.1.1 study=1.2.3.9 name='Leaky^Person' id=PAT998877 modality=CR class=1.2.840.10008.5.1.4.1.1.1 description=x
dcmodify -q -nb -i "(0008,0070)=Bought by Leaky" "$T/leak"
pacs clinic import "$T/leak" > /dev/null
check_exit 1 "an image with a name in a place that stays does not go out" pacs clinic export "$T/leaked" --patient-id PAT998877 --deidentify
check_says "PatientName would still be in (0008,0070)" "and it is said where" pacs clinic export "$T/leaked" --patient-id PAT998877 --deidentify
check "with nothing left" is_gone leaked
make_object "$T/tight" sop=1.2.3.9.1.2 study=1.2.3.9 name='Leaky^Person' id=PAT998877 modality=CR class=1.2.840.10008.5.1.4.1.1.1 description=x
pacs clinic import "$T/tight" > /dev/null
check_exit 4 "the image beside it goes out" pacs clinic export "$T/tight.zip" --patient-id PAT998877 --deidentify --zip --map "$T/leakmap"
check_says "PatientName would still be in (0008,0070)" "and the other is told" pacs clinic export "$T/tight.d" --patient-id PAT998877 --deidentify --dicomdir
is "$(python3 -m zipfile -l "$T/tight.zip" | tail -n +2 | wc -l) $(files_of "$T/tight.d" | wc -l) $(tail -n +2 "$T/leakmap" | wc -l)" "1 1 1" "nothing of that is left, in the map neither"
is "$(grep -rliaE 'leaky|998877' "$T/tight.d")" "" "in no byte"
python3 - "$T/in/1" "$T/pix" <<'PY'
import sys
b = open(sys.argv[1], "rb").read().replace(b"1.2.3.1.1.1", b"1.2.3.8.1.1").replace(b"1.2.3.1\0", b"1.2.3.8\0")
at = b.rindex(b"\xe0\x7f\x10\0OB\0\0") + 12
open(sys.argv[2], "wb").write(b[:at + 8] + b"pat778899" + b[at + 17:])
PY
pacs clinic import "$T/pix" > /dev/null
check_says "pixel data" "an ID among pixels is found too" pacs clinic export "$T/leaked" --study 1.2.3.8 --deidentify
check "with nothing left of that" is_gone leaked
done_testing
