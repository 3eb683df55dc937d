#!/usr/bin/env bash
# pacs backup of a node that works, and restore: every object, every answer; killed in the middle; old generations.
. "$(dirname "$0")/../lib/sys.sh"

"$TOOLS/phantom" --out "$T/images" --set bench > /dev/null
SMALL=$(find "$T/images" -name '*small*' | head -1)
start_node n county 'accept = any
scrub_days = 0' || { not_ok "the node starts"; done_testing; }
load() { "$TOOLS/load" --port "${PORT[n]}" --called N --calling CT1 --count "$1" --per-study 4 "$SMALL" > "$T/load.out" 2>&1; }
load 30
wait_for 10 'images n 30' || not_ok "30 images are stored"
printf 'no dicom' > "$T/n/quarantine/0000000000aa.dcm"
mkdir "$T/n/tls" && echo key > "$T/n/tls/key.pem"

json() { python3 -c 'import json, sys
v = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"; }
generations() { pacs n --json backup list "$T/copy" | json 'len(v)'; }
count_rows() { python3 -c 'import sqlite3, sys
print(sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute("SELECT count(*) FROM instance").fetchone()[0])' "$1"; }
objects_equal() { diff -r "$1/store" "$2/store"; }

check "a backup of an empty copy" bash -c "'$BIN/pacs' -C '$T/n' --json backup '$T/copy' > '$T/b.json'"
is "$(json '(v["objects"], v["copied"], v["bad"])' < "$T/b.json")" "(30, 30, 0)" "copies every object"
check "... byte by byte" objects_equal "$T/n" "$T/copy"
check "another copies nothing again" bash -c "'$BIN/pacs' -C '$T/n' --json backup '$T/copy' > '$T/b.json'"
is "$(json 'v["copied"]' < "$T/b.json")" 0 "... as all objects are there"
is "$(generations)" 2 "there are two generations"
check "a backup can be looked at whole" pacs n backup verify "$T/copy"

# While images come: what a generation names is there.
load 400 & loader=$!
wait_for 10 '[ "$(field n index.images)" -gt 40 ]'
check "a backup while images come" pacs n backup "$T/copy"
check "... names only what it has" pacs n backup verify "$T/copy"
wait $loader

# Killed while it copies.
load 200
"$BIN/pacs" -C "$T/n" backup "$T/copy" --rate 1 > "$T/killed.out" 2>&1 & pid=$!
before=$(find "$T/copy/store" -type f | wc -l)
wait_for 20 '[ "$(find "$T/copy/store" -type f | wc -l)" -gt $((before + 5)) ]'
kill -KILL $pid; wait $pid 2>/dev/null
is "$(generations)" 3 "a backup that is killed adds no generation"
check "... and leaves the last one whole" pacs n backup verify "$T/copy"
check "... and the next one goes on" bash -c "'$BIN/pacs' -C '$T/n' --json backup '$T/copy' > '$T/b.json'"
is "$(json 'v["bad"], v["objects"] > v["copied"] > 0' < "$T/b.json" 2>/dev/null)" "(0, True)" "... where the killed one stopped"
is "$(find "$T/copy" -name '.*.tmp' | wc -l)" 0 "... and nothing half-done is left"

# Back.
check_exit 1 "a folder that is not empty is not restored into" pacs n restore "$T/copy" "$T/n"
check "a folder is restored" bash -c "'$BIN/pacs' restore '$T/copy' '$T/back' > '$T/r.txt'"
check "... with every object" objects_equal "$T/n" "$T/back"
check "... with quarantine, configuration and what else lay there" bash -c "cmp '$T/n/quarantine/0000000000aa.dcm' '$T/back/quarantine/0000000000aa.dcm' && cmp '$T/n/pacs.conf' '$T/back/pacs.conf' && cmp '$T/n/tls/key.pem' '$T/back/tls/key.pem'"
find_all() { findscu -aec "$2" -S -k QueryRetrieveLevel=STUDY -k StudyInstanceUID= -k PatientName= -k PatientID= -k StudyDate= -k NumberOfStudyRelatedInstances= -k NumberOfStudyRelatedSeries= 127.0.0.1 "$1" 2>&1 | grep -a '(0' | grep -av '(0008,0054)' | sort; }
find_all "${PORT[n]}" N > "$T/answers.n"
stop_node n
PORT[back]=${PORT[n]}
serve_node back && ok "a node starts on it" || not_ok "a node starts on it"
find_all "${PORT[back]}" N > "$T/answers.back"
check "... and gives every answer that the first one gave" diff "$T/answers.n" "$T/answers.back"
check "... of which there are many" test "$(wc -l < "$T/answers.n")" -gt 100
check "... and finds itself as it should be" pacs back verify
check "... and takes new images" storescu -aec N 127.0.0.1 "${PORT[back]}" "$SMALL"
check "... and is backed up into the same copy" pacs back backup "$T/copy"
check "... which is whole" pacs back backup verify "$T/copy"
stop_node back

# What is wrong in the copy is found.
LAST=$(find "$T/copy" -maxdepth 1 -name 'gen-*' | sort | tail -1)
OBJECT=$(find "$T/copy/store" -name '*.dcm' | sort | sed -n 4p)
cp -p "$OBJECT" "$T/kept"
printf 'X' | dd of="$OBJECT" bs=1 seek=$(($(stat -c %s "$OBJECT") - 3)) conv=notrunc status=none
check_exit 4 "a changed object in the copy is found" pacs n backup verify "$T/copy"
check_says "$(basename "$OBJECT")" "... by its name" pacs n backup verify "$T/copy"
check_exit 4 "... and the rest can be restored" pacs n restore "$T/copy" "$T/part"
is "$(find "$T/part/store" -name '*.dcm' | wc -l)" $(($(find "$T/copy/store" -name '*.dcm' | wc -l) - 1)) "... all but that one"
cp -p "$T/kept" "$OBJECT"
printf 'X' | dd of="$LAST/index.db" bs=1 seek=5000 conv=notrunc status=none
check_exit 1 "a changed index in the copy is refused" pacs n restore "$T/copy" "$T/none"
check "... and nothing that looks like a folder is left" test ! -e "$T/none/pacs.conf"
FIRST=$(find "$T/copy" -maxdepth 1 -name 'gen-*' | sort | head -1)
check "an older generation can be named" pacs n restore "$T/copy" "$T/older" --generation "$(basename "$FIRST")"
is "$(find "$T/older/store" -name '*.dcm' | wc -l)" 30 "... with what was there then"
rm -rf "$LAST"

# Old generations go, and only what no other names.
mv "$T/n/store/0000/000/000000000001.dcm" "$T/gone.dcm"
check_exit 0 "a file that is missing here and whole in the copy is in the next generation" pacs n backup "$T/copy"
check "only one generation is kept" pacs n backup "$T/copy" --keep 1
is "$(generations)" 1 "... when that is wanted"
check "... and it is whole" pacs n backup verify "$T/copy"
is "$(find "$T/copy/store" -name '*.dcm' | wc -l)" "$(find "$T/n/store" "$T/gone.dcm" -name '*.dcm' | wc -l)" "... and no object is left that it does not name"
check_exit 4 "hard links are made when asked for, and what is missing is told" pacs n backup "$T/linked" --link
is "$(stat -c %h "$T/n/store/0000/000/000000000002.dcm")" 2 "... for objects"

# Whole folders are gone: told in few lines, and what is there is there.
"$BIN/pacs" init "$T/lost" --aet LOST --level county --port "$(free_port)" >/dev/null && "$TOOLS/fill" "$T/lost" --studies 60 >/dev/null || not_ok "an index without files"
rows=$(count_rows "$T/lost/index.db")
out=$("$BIN/pacs" -C "$T/lost" backup "$T/lost-copy" 2>&1); code=$?
is $code 4 "an index whose files are all gone is copied, and what is missing is told"
is "$(grep -c 'its folder is not there' <<< "$out")" 100 "... a hundred of them by name"
case $out in *"$rows objects are missing or damaged (some of them named above)"*) ok "... and how many there are" ;; *) not_ok "... and how many there are" "$(tail -2 <<< "$out"), $rows rows" ;; esac
check_exit 4 "it is restored as far as it goes" "$BIN/pacs" restore "$T/lost-copy" "$T/found"
is "$(count_rows "$T/found/index.db")" "$rows" "... with every row"
done_testing
