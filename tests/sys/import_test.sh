#!/bin/bash
# pacs import: folders, files, archives and file sets into a running node; kills in the middle lose and double nothing.
. "$(dirname "$0")/../lib/sys.sh"
. "$(dirname "$0")/../lib/objects.sh"

LIB=$ROOT/tests/lib
count() { pacs "$1" --json import "${@:3}" > "$T/said.json" 2> "$T/said.err"; echo $? > "$T/said.code"; outcome "$2"; }
outcome() { python3 -c '
import json, sys
print(next((o["count"] for o in json.load(open(sys.argv[1]))["outcomes"] if o["outcome"] == sys.argv[2]), 0))' "$T/said.json" "$1"; }
kept_file() { python3 -c '
import sqlite3, sys
oid = sqlite3.connect("file:%s/index.db?mode=ro" % sys.argv[1], uri=True).execute("SELECT oid FROM instance WHERE sop_uid = ?", (sys.argv[2],)).fetchone()[0]
print("%s/store/%04x/%03x/%012x.dcm" % (sys.argv[1], oid >> 24 & 0xffff, oid >> 12 & 0xfff, oid))' "$T/$1" "$2"; }
spool_is_empty() { [ -z "$(ls "$T/$1/spool")" ]; }

make_node clinic clinic 'accept = any
route "up" {
 action = forward
 calling = OLDCD
 to = GONE
}
node "GONE" {
 aet = GONE
 host = "127.0.0.1"
 port = 9
}'
mkdir "$T/in"
make_object "$T/in/a.dcm" sop=1.2.3.1.1
check_exit 3 "without a running node nothing is taken" pacs clinic import "$T/in"
check_says "would be imported" "but it can be looked" pacs clinic import --dry-run "$T/in"
check_says "would be imported" "... as a word of study too" pacs clinic study import --dry-run "$T/in"
serve_node clinic || { not_ok "the node starts"; done_testing; }
check_exit 2 "an AE title that is none is refused" pacs clinic import --calling 'A\B' "$T/in"
check_exit 2 "a PATH is needed" pacs clinic import
check_exit 1 "a PATH that is not there is a failure" pacs clinic import "$T/nowhere"

# ---- every encoding, whatever its name ----
make_object "$T/in/b" sop=1.2.3.1.2 && dcmconv -q +ti -F "$T/in/b" "$T/in/b.txt" && rm "$T/in/b"
make_object "$T/in/c" sop=1.2.3.1.3 && dcmconv -q +tb "$T/in/c" "$T/in/c.jpg" && rm "$T/in/c"
make_object "$T/in/d" sop=1.2.3.1.4 && dcmconv -q +td "$T/in/d" "$T/in/d.dcm" && rm "$T/in/d"
make_object "$T/in/e" sop=1.2.3.1.5 && dcmconv -q +te -F "$T/in/e" "$T/in/e.exe" && rm "$T/in/e"
make_object "$T/in/f" sop=1.2.3.1.6 && dcmconv -q +tb -F "$T/in/f" "$T/in/f" 
printf '<?xml version="1.0"?>' > "$T/in/text.dcm"
head -c 300000 /dev/zero > "$T/in/zeros.dcm"
python3 -c 'import random; random.seed(1); open("'"$T"'/in/noise.dcm", "wb").write(bytes(random.randrange(256) for _ in range(300000)))'
: > "$T/in/empty.dcm"
ln -s . "$T/in/loop"
is "$(count clinic imported "$T/in")" 6 "six encodings are imported: explicit, bare implicit, big endian, deflated, bare explicit, bare big endian"
is "$(outcome 'not DICOM')" 4 "text, zeros, noise and an empty file are no DICOM"
is "$(outcome 'link to a folder')" 1 "a link to its own folder is not followed"
check "all six are in the index" images clinic 6
for n in 2:b.txt 5:e.exe 6:f; do
	check "the bytes of ${n#*:} are kept as they were" cmp "$T/in/${n#*:}" <(dataset_bytes "$(kept_file clinic 1.2.3.1.${n%:*})")
done
check "and those behind a meta group" cmp <(dataset_bytes "$T/in/d.dcm") <(dataset_bytes "$(kept_file clinic 1.2.3.1.4)")
is "$(syntax_of "$(kept_file clinic 1.2.3.1.3)")" "$(syntax_of "$T/in/c.jpg")" "the syntax is that of the file"
check_says "import" "the kept file tells where it came from" sh -c "dcmdump -q +P 0002,0016 +P 0002,0102 '$(kept_file clinic 1.2.3.1.1)' | tr A-Z a-z"
check "and what was written into it" grep -aq ' w=[0-9a-f]\{32\}' "$(kept_file clinic 1.2.3.1.1)"
is "$(count clinic 'already there' "$T/in")" 6 "the second time all are there already"
rm "$T/clinic/import.journal"
is "$(count clinic 'already there' "$T/in/a.dcm" "$T/in/d.dcm")" 2 "without the journal too"
check "and the index has six" images clinic 6

mkdir "$T/drive"
make_object "$T/drive/IM1" sop=1.2.3.1.70 study=1.2.3.70 && touch -d 2001-01-01 "$T/drive/IM1"
check "a disc in a drive" pacs clinic import "$T/drive"
make_object "$T/drive/IM1" sop=1.2.3.1.71 study=1.2.3.71 && touch -d 2001-01-01 "$T/drive/IM1"
is "$(count clinic imported "$T/drive")" 1 "another one with the same name, length and time is another one"

# ---- ingest's own decisions ----
mkdir "$T/odd"
make_object "$T/odd/other" sop=1.2.3.1.1 name=OTHER^ONE
make_object "$T/odd/nostudy" sop=1.2.3.1.90 && dcmodify -q -nb -ea "(0020,000d)" "$T/odd/nostudy"
is "$(count clinic conflict "$T/odd")" 1 "another content under a known UID is a conflict"
is "$(outcome quarantined)" 1 "an object without a study is kept in quarantine"
is "$(cat "$T/said.code")" 4 "and the exit code says so"
make_object "$T/odd/charset" sop=1.2.3.1.91 charset='' written=GB18030 name='欧阳^建国' description='胸部正位片' study=1.2.3.91 id=C9
check "a header without a character set is imported" pacs clinic import "$T/odd/charset"
check_says '欧阳' "and its text was found out" pacs clinic study list --patient-name '欧阳*'

# ---- routes ----
make_object "$T/routed.dcm" sop=1.2.3.1.92 study=1.2.3.92
check "an image comes as OLDCD" pacs clinic import --calling OLDCD "$T/routed.dcm"
check "and the routes of OLDCD act" wait_for 20 '[ "$(pacs clinic --json queue list --to GONE | grep -c sop_instance)" = 1 ]'

# ---- a disc ----
mkdir -p "$T/disc/IMAGES"
for n in 1 2 3 4 5; do make_object "$T/disc/IMAGES/IM$n" sop=1.2.3.2.1.$n study=1.2.3.2 number=$n name='DISC^PATIENT' id=D1 modality=US; done
(cd "$T/disc" && dcmmkdir -q --general-purpose +I -Pgp IMAGES/IM1 IMAGES/IM2 IMAGES/IM3 IMAGES/IM4 >/dev/null 2>&1 || dcmmkdir -q IMAGES/IM1 IMAGES/IM2 IMAGES/IM3 IMAGES/IM4)
check "the disc has a DICOMDIR" test -s "$T/disc/DICOMDIR"
rm "$T/disc/IMAGES/IM4"
mkdir "$T/iso" && mkdir "$T/iso/images"
echo viewer > "$T/disc/AUTORUN.INF"
cp "$T/disc/DICOMDIR" "$T/iso/dicomdir.;1"
for n in 1 2 3; do cp "$T/disc/IMAGES/IM$n" "$T/iso/images/im$n.;1"; done
is "$(count clinic imported "$T/disc/DICOMDIR")" 3 "what the DICOMDIR names is imported"
is "$(outcome 'named by the DICOMDIR, missing')" 1 "what is missing is told"
is "$(outcome 'not named by the DICOMDIR')" 1 "and an image that it does not name"
is "$(outcome 'not DICOM')" 1 "and what is no image"
is "$(cat "$T/said.code")" 4 "with exit code 4"
is "$(count clinic imported --unnamed "$T/disc")" 1 "--unnamed takes it too"
is "$(count clinic 'already there' "$T/iso")" 3 "names in small letters with ;1 behind them are found"
python3 - "$T/disc/DICOMDIR" "$T/evil/DICOMDIR" <<'PY'
import os, sys
b = open(sys.argv[1], "rb").read()
os.mkdir(os.path.dirname(sys.argv[2]))
open(sys.argv[2], "wb").write(b.replace(b"IMAGES\\IM1", b"..\\in\\f.xx").replace(b"IMAGES\\IM2", b"\\etc\\pass."))
PY
is "$(count clinic imported "$T/evil")" 0 "file IDs that leave the folder lead nowhere"
is "$(outcome 'damaged DICOMDIR')" 1 "and are told"

# ---- archives ----
make_object "$T/z1" sop=1.2.3.3.1 study=1.2.3.3; make_object "$T/z2" sop=1.2.3.3.2 study=1.2.3.3; make_object "$T/z3" sop=1.2.3.3.3 study=1.2.3.3
python3 - "$T" <<'PY'
import io, sys, zipfile
t = sys.argv[1]
inner = io.BytesIO()
with zipfile.ZipFile(inner, "w") as z:
    z.write(t + "/z3", "z3")
with zipfile.ZipFile(t + "/disc.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.write(t + "/z1", "../../../../../../tmp/pacs-evil.dcm")
    z.write(t + "/z2", "/etc/z2")
    z.writestr("inner.zip", inner.getvalue())
    z.writestr("viewer/readme.txt", "hello" * 1000)
    z.writestr("DICOMDIR", open(t + "/disc/DICOMDIR", "rb").read())
with zipfile.ZipFile(t + "/cut.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.write(t + "/z1", "one")
    z.write(t + "/z3", "three")
b = bytearray(open(t + "/cut.zip", "rb").read())
at = b.rindex(b"three", 0, len(b) // 2 + 200)
b[at + 20] ^= 0xff
open(t + "/cut.zip", "wb").write(b)
with zipfile.ZipFile(t + "/bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
    with z.open("bomb.dcm", "w", force_zip64=True) as f:
        f.write(open(t + "/z3", "rb").read().replace(b"1.2.3.3.3", b"1.2.3.3.4"))
        for _ in range(450):
            f.write(bytes(1 << 20))
PY
is "$(count clinic imported "$T/disc.zip")" 2 "images in an archive are imported, whatever they are called"
is "$(outcome 'archive in an archive')" 1 "an archive in it is not opened"
is "$(outcome 'directory of a file set')" 1 "its DICOMDIR is no image"
[ -e /tmp/pacs-evil.dcm ] && not_ok "no name of an archive became a path" || ok "no name of an archive became a path"
is "$(count clinic 'cannot be read' "$T/cut.zip")" 1 "a damaged entry is told"
is "$(outcome 'already there')" 1 "and the others are taken"
is "$(count clinic 'unpacks to too much' "$T/bomb.zip")" 2 "a bomb is stopped"
check "and leaves nothing" spool_is_empty clinic

# ---- real objects, where they are ----
REAL=$ROOT/../shared/data
if [ -d "$REAL" ]; then
	before=$(field clinic index.images)
	N=$(count clinic imported "$REAL")
	check "of the real objects most are imported ($N)" test "$N" -gt 300
	is "$(outcome failed)" 0 "none fails"
	is "$(($(field clinic index.images) - before))" "$N" "and the index has each"
	is "$(pacs clinic --json import "$REAL" | python3 -c 'import json,sys; print(json.load(sys.stdin)["bytes"])')" 0 "the second time nothing is copied"
fi
check "every file is as it should be" pacs clinic verify
stop_node clinic

# ---- kills ----
start_node county county 'accept = any'
make_object "$T/one" sop=1.2.826.0.1.3680043.9.9.1.1.100000 study=1.2.826.0.1.3680043.9.9
python3 "$LIB/copies.py" "$T/one" "$T/many" 1500 0 8192
some_are_in() { [ "$(field county index.images)" -gt "$1" ]; }
"$BIN/pacs" -C "$T/county" import --rate 5 "$T/many" > "$T/killed.out" 2>&1 & IMPORT=$!
wait_for 20 'some_are_in 100'
kill -KILL "$IMPORT"; wait "$IMPORT" 2>/dev/null
check "the import was killed in the middle" test "$(field county index.images)" -lt 1500
# Slow enough for what must be seen beside it, on a slow machine too: six seconds.
"$BIN/pacs" -C "$T/county" import --rate 2 "$T/many" > "$T/again.out" 2>&1 & IMPORT=$!
wait_for 20 'some_are_in 500'
check_says "another import works" "a second import at the same time is refused" pacs county import "$T/many"
kill -KILL "$(child_pid county storescp)"
check "storescp is killed in the middle of it" sh -c "[ $(field county index.images) -lt 1500 ]"
wait "$IMPORT"; is "$?" 0 "the next one goes on over a restart of storescp"
check "each image is there once" images county 1500
N=$(cat "$T/again.out" | awk '/^(imported|already there)/ { n += $(NF) } END { print n }')
is "$N" 1500 "and each was accounted for"
"$BIN/pacs" -C "$T/county" import --json "$T/many" > /dev/null 2>&1; is "$?" 0 "a third run has nothing to do"
python3 "$LIB/copies.py" "$T/one" "$T/more" 1500 2000 8192
"$BIN/pacs" -C "$T/county" import --rate 5 "$T/more" > "$T/stopped.out" 2> "$T/stopped.err" & IMPORT=$!
wait_for 20 'some_are_in 1600'
kill -INT "$IMPORT"; wait "$IMPORT"; is "$?" 1 "a stopped import says so"
check_says "goes on where" "and how to go on" cat "$T/stopped.err"
check "with a table" grep -q '^imported' "$T/stopped.out"
check "after a stop nothing lies in the spool" spool_is_empty county
check "the same command goes on" pacs county import "$T/more"
check "to the end" images county 3000
check "and every file is as it should be" pacs county verify
done_testing
