#!/bin/bash
# pacs study tag, merge, split, delete, edits, revert: what queries, retrievals and forwarding say afterwards; images that come later; an
# index that is built anew; every refusal.
. "$(dirname "$0")/../lib/sys.sh"
SINK=$(free_port)
start_node n county "accept = any
quiet = 1
scrub_days = 0
node \"HERE\" {
	aet = \"HERE\"
	host = \"127.0.0.1\"
	port = $SINK
}
node \"LATE\" {
	aet = \"LATEST\"
	duplicate = keep-latest
}
node \"DEAD\" {
	aet = \"DEAD\"
	host = \"127.0.0.1\"
	port = 9
}
route \"fwd\" {
	action = forward
	to = HERE
	calling = \"FWD\"
}
route \"stuck\" {
	action = forward
	to = DEAD
	calling = \"STUCK\"
}
route \"read\" {
	action = worklist
	group = ALL
	calling = \"READ\"
}" || exit
study() { pacs n study "$@"; }

# image FILE STUDY SERIES SOP ID NAME [BORN ACCESSION DESCRIPTION CHARSET]    NAME in UTF-8
image()
{
	local charset=${10:-GB18030} set=GB18030
	[ "$charset" = GB18030 ] || set=ASCII
	{
		echo "(0008,0005) CS [$charset]"
		printf '%s\n' '(0008,0008) CS [ORIGINAL\PRIMARY]' '(0008,0016) UI [1.2.840.10008.5.1.4.1.1.1.1]' "(0008,0018) UI [$4]" '(0008,0020) DA [20260301]' '(0008,0030) TM [081500]' \
			"(0008,0050) SH [${8:-}]" '(0008,0060) CS [DX]' "(0008,1030) LO [${9:-chest}]" '(0008,1040) LO [ward 5]'
		echo "(0010,0010) PN [$6]" | iconv -f UTF-8 -t "$set"
		echo "(0010,0020) LO [$5]"
		printf '%s\n' "(0010,0030) DA [${7:-19700301}]" '(0010,0040) CS [M]' '(0018,0015) CS [CHEST]' "(0020,000d) UI [$2]" "(0020,000e) UI [$3]" '(0020,0011) IS [1]' '(0020,0013) IS [1]' \
			'(0028,0002) US 1' '(0028,0004) CS [MONOCHROME2]' '(0028,0010) US 64' '(0028,0011) US 64' '(0028,0100) US 8' '(0028,0101) US 8' \
			'(0028,0102) US 7' '(0028,0103) US 0' "(7fe0,0010) OB =$1.raw"
	} > "$1.dump"
	head -c 4096 /dev/urandom > "$1.raw"
	dump2dcm -q +te "$1.dump" "$1"
}
store() { local from=$1; shift; storescu -aet "$from" -aec N 127.0.0.1 "${PORT[n]}" "$@"; }
value() { dcmdump -q +U8 +P "$2" "$1" 2>/dev/null | sed -n '1s/^[^[]*\[\([^]]*\)\].*/\1/p'; }
all() { dcmdump -q +U8 +P "$2" "$1" 2>/dev/null | sed 's/^[^[]*\[\([^]]*\)\].*/\1/' | tr '\n' '|'; }
# ask LEVEL KEY...   the answers of a query, one a line: the values of the last keys, joined
ask()
{
	local level=$1 keys=() k f tags=(); shift
	for k in "$@"; do
		keys+=(-k "$k")
		case $k in *=*) ;; *) tags+=("$k") ;; esac
	done
	rm -f "$T"/rsp*
	findscu -S -X -od "$T" -aet CR1 -aec N -k QueryRetrieveLevel="$level" "${keys[@]}" 127.0.0.1 "${PORT[n]}" > "$T/find.log" 2>&1
	for f in "$T"/rsp*; do
		[ -e "$f" ] || continue
		for k in "${tags[@]}"; do printf '%s/' "$(value "$f" "$k")"; done
		echo
	done
}
who() { ask STUDY StudyInstanceUID="$1" PatientName PatientID PatientBirthDate; }
# get STUDY   fetches it into $T/got; names the files
get() { rm -rf "$T/got"; mkdir "$T/got"; getscu -q -S -od "$T/got" -aet CR1 -aec N -k QueryRetrieveLevel=STUDY -k "StudyInstanceUID=$1" 127.0.0.1 "${PORT[n]}" > "$T/get.log" 2>&1; find "$T/got" -type f | sort; }
kept() { (cd "$T/n/store" && find . -type f | sort | xargs sha256sum); }
last() { pacs n --json study edits | python3 -c 'import json,sys; print(json.load(sys.stdin)[-1]["edit"])'; }

image "$T/a1" 1.2.1 1.2.1.1 1.2.1.1.1 P1 '章^三' 19700301 A1 chest
image "$T/a2" 1.2.1 1.2.1.1 1.2.1.1.2 P1 '章^三' 19700301 A1 chest
image "$T/a3" 1.2.1 1.2.1.2 1.2.1.2.1 P1 '章^三' 19700301 A1 chest
image "$T/b1" 1.2.2 1.2.2.1 1.2.2.1.1 P1 '章^三' 19700301 A2 second
image "$T/c1" 1.2.3 1.2.3.1 1.2.3.1.1 P3 '王^五' 19550505 A3 third
image "$T/d1" 1.2.4 1.2.4.1 1.2.4.1.1 P4 'Li^Si' 19800101 A4 fourth 'ISO_IR 100'
store CR1 "$T"/[abcd][123] || not_ok "images are stored"
BEFORE=$(kept)

# ---- tag ----
check "attributes of a study are corrected" study tag A4 StudyDescription='腹部' AccessionNumber=A44 InstitutionalDepartmentName='急诊' "(0018,0015)=ABDOMEN" --reason "typed wrongly"
is "$(ask STUDY StudyInstanceUID=1.2.4 StudyDescription AccessionNumber)" "腹部/A44/" "queries show them"
is "$(ask STUDY AccessionNumber=A44 StudyInstanceUID StudyDescription)" "1.2.4/腹部/" "and find by them"
is "$(ask STUDY AccessionNumber=A4 StudyInstanceUID)" "" "no longer by the old ones"
is "$(ask SERIES StudyInstanceUID=1.2.4 BodyPartExamined InstitutionalDepartmentName)" "ABDOMEN/急诊/" "an attribute that only the header has is corrected in answers too"
is "$(ask SERIES StudyInstanceUID=1.2.4 InstitutionalDepartmentName='急诊' SeriesInstanceUID)" "1.2.4.1/" "and matched"
F=$(get 1.2.4)
is "$(value "$F" 0008,1030)/$(value "$F" 0008,0050)/$(value "$F" 0008,1040)/$(value "$F" 0018,0015)" "腹部/A44/急诊/ABDOMEN" "C-GET gives them"
is "$(value "$F" 0008,0005)/$(value "$F" 0010,0010)" "ISO_IR 192/Li^Si" "in a character set that can write them"
is "$(all "$F" 0400,0565)" "CORRECT|" "Original Attributes says that it was a correction"
is "$(all "$F" 0008,1030)$(all "$F" 0008,0050)$(all "$F" 0008,1040)" "腹部|fourth|A44|A4|急诊|ward 5|" "and what was there before"
check "DCMTK finds no fault in it" dcmftest "$F"
dcmdump -q +L +P 7fe0,0010 "$F" > "$T/x"; dcmdump -q +L +P 7fe0,0010 "$T/d1" > "$T/y"
check "the samples are untouched" cmp "$T/x" "$T/y"
is "$(kept)" "$BEFORE" "and so are the kept files"
check_says "StudyDescription=腹部" "study show tells of it" study show 1.2.4
check "an image's own attribute" study tag 1.2.1 --instance 1.2.1.1.2 InstanceNumber=7 ImageType='DERIVED\PRIMARY'
is "$(ask IMAGE StudyInstanceUID=1.2.1 SeriesInstanceUID=1.2.1.1 SOPInstanceUID InstanceNumber ImageType | sort | tr '\n' ' ')" '1.2.1.1.1/1/ORIGINAL\PRIMARY/ 1.2.1.1.2/7/DERIVED\PRIMARY/ ' "is corrected in that image alone"
check "a series' attribute" study tag 1.2.1 --series 1.2.1.2 SeriesDescription=lateral
is "$(ask SERIES StudyInstanceUID=1.2.1 SeriesInstanceUID SeriesDescription | sort | tr '\n' ' ')" "1.2.1.1// 1.2.1.2/lateral/ " "in that series alone"
check "an empty value" study tag 1.2.1 StudyDescription= InstitutionalDepartmentName=
is "$(ask STUDY StudyInstanceUID=1.2.1 StudyDescription ModalitiesInStudy)$(ask SERIES StudyInstanceUID=1.2.1 SeriesInstanceUID=1.2.1.2 InstitutionalDepartmentName)" "/DX//" "empties"
image "$T/a4" 1.2.1 1.2.1.2 1.2.1.2.2 P1 '章^三' 19700301 A1 chest
store CR1 "$T/a4"
F=$(get 1.2.1 | grep 1.2.1.2.2)
is "$(value "$F" 0008,1030)/$(value "$F" 0008,103e)/$(value "$F" 0008,1040)" "/lateral/" "an image that comes later is corrected the same way"

# ---- the wrong patient ----
check "a study is given to another patient" study tag 1.2.1 PatientID=P3
is "$(who 1.2.1)" "王^五/P3/19550505/" "who is there already, with his name and birth date"
is "$(who 1.2.2)" "章^三/P1/19700301/" "the other study stays"
F=$(get 1.2.1 | head -1)
is "$(value "$F" 0010,0010)/$(value "$F" 0010,0020)/$(all "$F" 0010,0020)" "王^五/P3/P3|P1|" "C-GET gives his images with his name, and the old number on record"
store CR1 "$T/a1"
image "$T/a5" 1.2.1 1.2.1.3 1.2.1.3.1 P1 '章^三' 19700301 A1 chest
store CR1 "$T/a5"
is "$(ask SERIES StudyInstanceUID=1.2.1 SeriesInstanceUID PatientID | sort | tail -1)" "1.2.1.3/P3/" "a series that comes later under the old number is his"
is "$(field n index.conflicts)" 0 "and no conflict"
image "$T/x1" 1.2.60 1.2.60.1 1.2.60.1.1 P60 'REN^A' 19660101 A60 sixty
image "$T/x2" 1.2.60 1.2.60.1 1.2.60.1.2 P61 'REN^B' 19670101 A60 sixty
store CR1 "$T/x1" "$T/x2"
is "$(field n index.conflicts)" 1 "images of two patients in one study are a conflict"
study tag 1.2.60 PatientID=P61 PatientName=REN^B PatientBirthDate=19670101 > /dev/null
is "$(field n index.conflicts)$(who 1.2.60)" "0REN^B/P61/19670101/" "which ends when a person says whose it is"
is "$(for f in $(get 1.2.60); do value "$f" 0010,0020; done | tr '\n' ' ')" "P61 P61 " "for all its images"
check "a study is given to a new patient" study tag 1.2.2 PatientID=P9 PatientName='赵^六' PatientBirthDate=19990909 PatientSex=F
is "$(who 1.2.2)" "赵^六/P9/19990909/" "who is made"
is "$(ask STUDY PatientName='赵*' StudyInstanceUID)$(ask STUDY PatientName='zhaoliu' StudyInstanceUID)" "1.2.2/1.2.2/" "and found by name and by its sound"
is "$(field n index.patients)" 4 "a patient without studies is no more"
check "a name of a patient with one study" study tag 1.2.2 PatientName='赵^陆'
is "$(who 1.2.2)" "赵^陆/P9/19990909/" "is corrected"
check_says "has 2 studies" "a name of one with several is not" study tag 1.2.1 PatientName=X
check "but with --patient, in all of them" study tag 1.2.1 PatientName='汪^五' --patient
is "$(who 1.2.1)$(who 1.2.3)" "汪^五/P3/19550505/汪^五/P3/19550505/" "which have it then"
is "$(value "$(get 1.2.3)" 0010,0010)" "汪^五" "and go out with it"
check "and taken back" study revert "$(last)"
is "$(who 1.2.1)$(who 1.2.3)" "王^五/P3/19550505/王^五/P3/19550505/" "in all of them"
check_says "another PatientName" "nor a name that is not his" study tag 1.2.2 PatientID=P3 PatientName=X

# ---- refusals of tag ----
check_says "a UID" "a UID is refused" study tag 1.2.1 SeriesInstanceUID=1.2
check_says "samples" "what describes samples is refused" study tag 1.2.1 WindowWidth=1
check_says "is not a date" "a wrong value is refused" study tag 1.2.1 StudyDate=2026-13-01
check_says "whole study" "a study's attribute is refused for a series" study tag 1.2.1 --series 1.2.1.1 StudyDescription=x
check_says "given twice" "one given twice is refused" study tag 1.2.1 StudyDescription=x StudyDescription=y
check_says "no study" "an unknown study is refused" study tag 9.9 StudyDescription=x
check_says "no series" "an unknown series is refused" study tag 1.2.1 --series 9.9 SeriesDescription=x
check_says "nobody" "an empty PatientID is refused" study tag 1.2.1 PatientID=
image "$T/t1" 1.2.20 1.2.20.1 1.2.20.1.1 P20 'TWO^A' 19700301 TWICE one
image "$T/t2" 1.2.21 1.2.21.1 1.2.21.1.1 P20 'TWO^A' 19700301 TWICE two
store CR1 "$T/t1" "$T/t2"
check_says "of several studies" "an accession number of two studies names neither" study tag TWICE StudyDescription=x
check_exit 2 "KEY without a value is a mistake of use" study tag 1.2.1 StudyDescription

# ---- merge ----
check_says "another patient" "studies of different patients are not merged" study merge 1.2.1 1.2.2
check_says "into itself" "nor one into itself" study merge 1.2.1 1.2.1
image "$T/e1" 1.2.5 1.2.5.1 1.2.5.1.1 P5 'WU^SAN' 19600101 A5 first-half
image "$T/e2" 1.2.6 1.2.6.1 1.2.6.1.1 P5 'WU^SAN' 19600101 A6 other-half
image "$T/e3" 1.2.6 1.2.5.1 1.2.6.1.2 P5 'WU^SAN' 19600101 A6 other-half
store CR1 "$T"/e[123]
check "two halves are merged" study merge 1.2.5 1.2.6 --reason "sent in two halves"
MERGE=$(last)
is "$(ask STUDY StudyInstanceUID=1.2.5 NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances StudyDescription AccessionNumber)" "2/3/first-half/A5/" "the study has both, counted and described as the first"
is "$(ask STUDY StudyInstanceUID=1.2.6 PatientID)" "" "the other is no more"
FILES=$(get 1.2.5)
is "$(echo "$FILES" | wc -l)" 3 "C-GET gives all of it"
F=$(echo "$FILES" | grep 1.2.6.1.1)
is "$(value "$F" 0020,000d)/$(value "$F" 0008,1030)/$(value "$F" 0008,0050)/$(all "$F" 0020,000d)" "1.2.5/first-half/A5/1.2.5|1.2.6|" "as images of the first, the old UID on record"
is "$(value "$F" 0008,0018)" 1.2.6.1.1 "under their own UIDs"
is "$(all "$F" 0008,0020)$(all "$F" 0008,0030)" "20260301|081500|" "what was right already is not told as replaced"
image "$T/e4" 1.2.6 1.2.6.9 1.2.6.9.1 P5 'WU^SAN' 19600101 A6 other-half
store CR1 "$T/e4"
is "$(ask STUDY StudyInstanceUID=1.2.5 NumberOfStudyRelatedInstances)$(ask STUDY StudyInstanceUID=1.2.6 PatientID)" "4/" "an image that comes later under the old UID joins it"
check "a correction of the merged study" study tag 1.2.5 StudyDescription=both
TAG=$(last)
is "$(ask STUDY StudyInstanceUID=1.2.5 StudyDescription)$(value "$(get 1.2.5 | grep 1.2.6.9.1)" 0008,1030)" "both/both" "is that of all its images: two edits in sequence"
check_says "revert that one first" "a merge is not taken back under a later edit" study revert "$MERGE"
check "the later edit is taken back" study revert "$TAG"
check_says "already" "once" study revert "$TAG"
is "$(ask STUDY StudyInstanceUID=1.2.5 StudyDescription)" "first-half/" "with it its value"
check "then the merge" study revert "$MERGE"
is "$(ask STUDY StudyInstanceUID=1.2.5 NumberOfStudyRelatedInstances StudyDescription)$(ask STUDY StudyInstanceUID=1.2.6 NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances StudyDescription AccessionNumber)" \
	"1/first-half/3/3/other-half/A6/" "and both are what they were, with the late image"
F=$(get 1.2.6 | grep 1.2.6.1.1)
is "$(value "$F" 0020,000d)$(dcmdump -q "$F" | grep -c '0400,0561')" "1.2.60" "which go out as they are kept"
check "with --patient, studies of different patients are merged" study merge 1.2.5 1.2.3 --patient
is "$(who 1.2.5)$(ask STUDY StudyInstanceUID=1.2.5 NumberOfStudyRelatedInstances)" "WU^SAN/P5/19600101/2/" "under the first's patient"
is "$(value "$(get 1.2.5 | grep 1.2.3.1.1)" 0010,0010)" "WU^SAN" "as outgoing copies say"
check "and taken apart" study revert "$(last)"
is "$(who 1.2.3)$(who 1.2.5)" "王^五/P3/19550505/WU^SAN/P5/19600101/" "each is its own patient's again"

# ---- split ----
check_says "another patient" "nothing is split into another patient's study" study split 1.2.6 --series 1.2.6.9 --into 1.2.3
check_exit 2 "split must be told where to" study split 1.2.6 --series 1.2.6.9
check "a series is moved to another study" study split 1.2.6 --series 1.2.6.9 --into 1.2.5
is "$(ask STUDY StudyInstanceUID=1.2.5 NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances)$(ask STUDY StudyInstanceUID=1.2.6 NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances)" "2/2/2/2/" "both are counted anew"
image "$T/e5" 1.2.6 1.2.6.9 1.2.6.9.2 P5 'WU^SAN' 19600101 A6 other-half
store CR1 "$T/e5"
is "$(ask STUDY StudyInstanceUID=1.2.5 NumberOfStudyRelatedInstances)" "3/" "a later image of the series follows"
is "$(value "$(get 1.2.5 | grep 1.2.6.9.2)" 0020,000d)" 1.2.5 "also on its way out"
check "images are moved to a new study" study split 1.2.1 --instance 1.2.1.1.2,1.2.1.2.1 --new
NEW=$(pacs n --json study edits | python3 -c 'import json,sys; print(json.load(sys.stdin)[-1]["rules"][0]["to_study"])')
is "$(ask STUDY StudyInstanceUID="$NEW" PatientID NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances)" "P3/2/2/" "of the same patient, each in a series of its own"
F=$(get "$NEW" | grep 1.2.1.1.2)
is "$(value "$F" 0020,000d)/$(value "$F" 0008,0018)/$(value "$F" 0020,0013)" "$NEW/1.2.1.1.2/7" "with the UIDs of the new study, and what was corrected before"
[ "$(value "$F" 0020,000e)" != 1.2.1.1 ] && ok "and a Series UID of ours" || not_ok "and a Series UID of ours"
is "$(value "$F" 0020,000e)" "$(ask IMAGE StudyInstanceUID="$NEW" SOPInstanceUID=1.2.1.1.2 SeriesInstanceUID | tr -d /)" "that queries tell too"

# ---- forwarding, and the reading list ----
mkdir -p "$T/moved"
storescp -aet HERE -od "$T/moved" "$SINK" > "$T/sink.log" 2>&1 & PID[sink]=$!
wait_for 10 'echoscu 127.0.0.1 "$SINK"'
image "$T/a6" 1.2.1 1.2.1.1 1.2.1.1.9 P1 '章^三' 19700301 A1 chest
store FWD "$T/a6"
check "what is forwarded after an edit" wait_for 20 'ls "$T"/moved/*1.2.1.1.9*'
F=$(find "$T/moved" -name '*1.2.1.1.9*' | head -1)
is "$(value "$F" 0010,0020)/$(value "$F" 0008,1030)/$(all "$F" 0400,0565)" "P3//CORRECT|" "carries the corrected values"
image "$T/r1" 1.2.7 1.2.7.1 1.2.7.1.1 P7 'QIAN^QI' 19610101 A7 seven
image "$T/r2" 1.2.8 1.2.8.1 1.2.8.1.1 P7 'QIAN^QI' 19610101 A8 eight
store READ "$T/r1" "$T/r2"
check "studies are on the reading list" wait_for 20 '[ "$(pacs n --json worklist list | grep -c SCHEDULED)" = 2 ]'
study tag 1.2.7 PatientID=P77 PatientName=SUN^BA > /dev/null
check "a work item shows the corrected patient" wait_for 10 'pacs n --json worklist list | grep -q "SUN^BA"'
study tag 1.2.8 PatientID=P77 > /dev/null
study merge 1.2.7 1.2.8 > /dev/null
check "the item of a merged study is cancelled" wait_for 10 '[ "$(pacs n --json worklist list | grep -c CANCELED)" = 1 ]'
check "that of the other has the images of both" wait_for 20 'pacs n --json worklist list | python3 -c "import json,sys; l=[i for i in json.load(sys.stdin) if i[\"state\"]==\"SCHEDULED\"]; sys.exit(not (len(l)==1 and l[0][\"instances\"]==2))"'

# ---- while somebody reads ----
image "$T/v1" 1.2.30 1.2.30.1 1.2.30.1.1 P30 'HAN^A' 19640101 A30 thirty
image "$T/v2" 1.2.31 1.2.31.1 1.2.31.1.1 P30 'HAN^A' 19640101 A31 another
store READ "$T/v1"; store CR1 "$T/v2"
item() { pacs n --json worklist list | python3 -c 'import json,sys
for i in json.load(sys.stdin):
    if i["study"] in sys.argv[1:]: print(i["uid"], i["state"], i["study"], i["instances"], i["patient"], i["note"])' "$@"; }
wait_for 20 '[ -n "$(item 1.2.30)" ]' || not_ok "a study is on the reading list"
XDG_STATE_HOME=$T/state "$BIN/viewer-cli" --node "127.0.0.1:${PORT[n]}" --called N --calling ANNA claim "$(item 1.2.30 | cut -d' ' -f1)" > "$T/claim.log" 2>&1 || not_ok "it is claimed" "$(cat "$T/claim.log")"
study tag 1.2.30 PatientID=P31 PatientName=HAN^B > /dev/null
check "an item that somebody reads shows the corrected patient, and that it was corrected" wait_for 10 'item 1.2.30 | grep -q "IN PROGRESS 1.2.30 1 HAN^B its study was corrected"'
study tag 1.2.31 PatientID=P31 > /dev/null
study merge 1.2.31 1.2.30 > /dev/null
check "and goes over to the study that its own became part of" wait_for 10 'item 1.2.31 | grep -q "IN PROGRESS 1.2.31 2 HAN^B"'

# ---- what is sent again with other content, where the latest counts ----
image "$T/k1" 1.2.40 1.2.40.1 1.2.40.1.1 P40 'KUAI^A' 19650101 A40 old
image "$T/k2" 1.2.41 1.2.41.1 1.2.41.1.1 P40 'KUAI^A' 19650101 A41 into
store LATEST "$T/k1"; store CR1 "$T/k2"
study merge 1.2.41 1.2.40 > /dev/null
study tag 1.2.41 --instance 1.2.40.1.1 InstanceNumber=9 > /dev/null
image "$T/k1" 1.2.40 1.2.40.1 1.2.40.1.1 P40 'KUAI^A' 19650101 A40 new
store LATEST "$T/k1"
is "$(ask IMAGE StudyInstanceUID=1.2.41 SeriesInstanceUID=1.2.40.1 SOPInstanceUID InstanceNumber StudyDescription)" "1.2.40.1.1/9/into/" "new content of an image that was moved and corrected stays there, corrected"
F=$(get 1.2.41 | grep 1.2.40.1.1)
is "$(value "$F" 0020,000d)/$(value "$F" 0020,0013)/$(all "$F" 0008,1030)" "1.2.41/9/into|new|" "and it is the new content that goes out"

# ---- delete ----
check_says "not read" "a study that waits to be read is not deleted" study delete 1.2.7 --reason x --yes
check_exit 2 "nor without a reason" study delete 1.2.5 --yes
check_exit 2 "nor without a terminal to ask on" study delete 1.2.5 --reason x
image "$T/s1" 1.2.9 1.2.9.1 1.2.9.1.1 P8 'LI^BA' 19620101 A9 nine
image "$T/s2" 1.2.9 1.2.9.2 1.2.9.2.1 P8 'LI^BA' 19620101 A9 nine
store STUCK "$T/s1" "$T/s2"
wait_for 10 '[ "$(pacs n --json queue list --to DEAD | grep -c sop_instance)" -ge 1 ]'
check_says "not sent" "a study that is not sent is not deleted" study delete 1.2.9 --reason x --yes
image "$T/s3" 1.2.50 1.2.50.1 1.2.50.1.1 P8 'LI^BA' 19620101 A50 fifty
store CR1 "$T/s3"
study merge 1.2.50 1.2.9 > /dev/null
check_says "not sent" "nor one that it was merged into" study delete 1.2.50 --reason x --yes
study revert "$(last)" > /dev/null
pacs n retention hold 1.2.9 --reason "court" > /dev/null
check_says "is held" "a held one not even with --force" study delete 1.2.9 --reason x --yes --force
pacs n retention unhold 1.2.9 > /dev/null
FILES=$(find "$T/n/store" -name '*.dcm' | wc -l)
cat > "$T/terminal.py" <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
out = b""
try:
    while b"Type yes" not in out:
        out += os.read(fd, 1000)
    os.write(fd, sys.argv[1].encode() + b"\n")
    while True:
        more = os.read(fd, 1000)
        if not more:
            break
        out += more
except OSError:
    pass
print(out.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
on_terminal() { python3 "$T/terminal.py" "$1" "$BIN/pacs" -C "$T/n" study delete 1.2.21 --reason test; }
check_says "nothing was deleted" "on a terminal it asks, and anything but yes" on_terminal y
check_says "1 series, 1 images" "which tells what would go" on_terminal no
is "$(ask STUDY StudyInstanceUID=1.2.21 PatientID)" "P20/" "deletes nothing"
check "yes does" on_terminal yes
is "$(ask STUDY StudyInstanceUID=1.2.21 PatientID)" "" "and it is gone"
FILES=$((FILES - 1))
check "a series is deleted with --force" study delete 1.2.9 --series 1.2.9.2 --reason "wrong side" --yes --force
is "$(ask STUDY StudyInstanceUID=1.2.9 NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances)" "1/1/" "the rest stays"
check "then the study" study delete 1.2.9 --reason "wrong patient, was repeated" --yes --force
is "$(ask STUDY StudyInstanceUID=1.2.9 PatientID)" "" "it is no more"
check "its files go" wait_for 10 '[ "$(find "$T/n/store" -name "*.dcm" | wc -l)" = $((FILES - 2)) ]'
check "and its jobs: a person decided" wait_for 10 '[ "$(pacs n --json queue list --to DEAD)" = "[]" ]'
store STUCK "$T/s1"
is "$?" 0 "the same image sent again is taken"
is "$(ask STUDY StudyInstanceUID=1.2.9 NumberOfStudyRelatedInstances)" "1/" "and is a new one"
check "that is forwarded like any other" wait_for 10 '[ "$(pacs n --json queue list --to DEAD | grep -c 1.2.9.1.1)" -ge 1 ]'
study delete 1.2.7 --reason "test" --yes --force > /dev/null
check "work items of a deleted study are cancelled" wait_for 10 '! pacs n --json worklist list | grep -q SCHEDULED'
check_says "cannot be taken back" "a deletion is not taken back" study revert "$(last)"
check_says "there is no edit" "nor an edit that is none" study revert 4711
is "$(pacs n --json study edits 1.2.9 | python3 -c 'import json,sys; print([(e["kind"], e["reason"]) for e in json.load(sys.stdin) if e["kind"] == "delete"])')" \
	"[('delete', 'wrong side'), ('delete', 'wrong patient, was repeated')]" "the journal tells who deleted what and why"
check "index and disk agree" pacs n verify --young 0

# ---- an index built anew ----
state() { ask STUDY StudyInstanceUID PatientID PatientName StudyDescription AccessionNumber NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances | sort; ask SERIES StudyInstanceUID='*' SeriesInstanceUID SeriesDescription NumberOfSeriesRelatedInstances | sort; }
STATE=$(state)
stop_node n
check "the index is made anew" pacs n rebuild
serve_node n
check "an index that is built anew gets every edit again" wait_for 30 '[ "$(state)" = "$STATE" ]' || note "$(diff <(echo "$STATE") <(state))"
is "$(ask STUDY StudyInstanceUID=1.2.9 NumberOfStudyRelatedInstances)" "1/" "a deletion takes nothing that came after it"
F=$(get "$NEW" | grep 1.2.1.1.2)
is "$(value "$F" 0020,000d)/$(value "$F" 0010,0020)/$(value "$F" 0020,0013)" "$NEW/P3/7" "and so do outgoing copies"
check "index and disk agree again" pacs n verify --young 0
stop_node n
rm -f "$T/n"/index.db*
serve_node n
check "also when it was lost" wait_for 30 '[ "$(state)" = "$STATE" ]' || note "$(diff <(echo "$STATE") <(state))"
stop_node n
"$BIN/pacs" -C "$T/n" backup "$T/copy" > "$T/backup.log" 2>&1 || not_ok "a backup is made" "$(cat "$T/backup.log")"
mv "$T/n" "$T/lost"
"$BIN/pacs" restore "$T/copy" "$T/n" > "$T/restore.log" 2>&1 || not_ok "it is put back" "$(cat "$T/restore.log")"
serve_node n
check "or put back from a copy" wait_for 30 '[ "$(state)" = "$STATE" ]' || note "$(diff <(echo "$STATE") <(state))"
is "$(pacs n --json study edits | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" "$(PATH=$PATH "$BIN/pacs" -C "$T/lost" --json study edits | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" "with its journal"
is "$(kept | sort | comm -12 - <(echo "$BEFORE" | sort) | wc -l)" "$(echo "$BEFORE" | wc -l)" "every kept file is what it was"
grep -q '王\|赵\|P77\|P3 \|QIAN' "$T/n.log" && not_ok "the log names no patient" || ok "the log names no patient"
done_testing
