#!/bin/bash
# C-FIND against a running node, with DCMTK's findscu.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"

S=1.2.826.0.1.3680043.9.9
mkdir "$T/in"
make_object "$T/in/1.dcm" charset=GB18030 name='ZHANG^SAN=张^三' id=P1 study=$S.1 number=1 modality=US
make_object "$T/in/2.dcm" charset=GB18030 name='ZHANG^SAN=张^三' id=P1 study=$S.1 number=2 modality=US
make_object "$T/in/3.dcm" charset=GB18030 name='ZHANG^SAN=张^三' id=P1 study=$S.1 series_number=2 number=1 modality=SR class=1.2.840.10008.5.1.4.1.1.7
make_object "$T/in/4.dcm" 'charset=ISO_IR 192' name='王^五' id=P2 study=$S.2 date=20260310 accession=B7
make_object "$T/in/5.dcm" name='BROWN^ANN' id=P3 study=$S.3 date=20260401 time=235959 accession=C9

start_node county county 'accept = any' || { not_ok "the node starts"; done_testing; }
AT="127.0.0.1 ${PORT[county]}"
check "five objects are stored" storescu -aec COUNTY $AT +sd "$T/in"

# find ROOT KEYS...   the answers to $T/rsp, findscu's words to $T/said
find()
{
	rm -rf "$T/rsp"; mkdir "$T/rsp"
	local root=$1 args=() k; shift
	for k in "$@"; do args+=(-k "$k"); done
	findscu -v "$root" -aec COUNTY ${MORE:-} -X -od "$T/rsp" $AT "${args[@]}" > "$T/said" 2>&1
}
answers() { ls "$T/rsp" | wc -l; }
# charset   that of the answers, as it stands in them
charset() { for f in "$T"/rsp/*; do dcmdump -q -Un +P 0008,0005 "$f"; done 2>/dev/null | sed -n 's/.*\[\(.*\)\].*/\1/p' | sort -u; }
# values TAG   of all answers, sorted, in one line
values() { for f in "$T"/rsp/*; do dcmdump -q -Un +U8 +P "$1" "$f"; done 2>/dev/null | sed -n 's/.*\[\(.*\)\].*/\1/p' | sort | tr '\n' ' ' | sed 's/ $//'; }

find -S QueryRetrieveLevel=STUDY StudyInstanceUID PatientName PatientID StudyDate ModalitiesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances
is "$(answers)" 3 "a study query without keys finds three studies"
is "$(values 0020,000d)" "$S.1 $S.2 $S.3" "with their UIDs"
is "$(values 0008,0061)" 'SR\US US US' "their modalities"
is "$(values 0020,1208)" "1 1 3" "and their numbers of images"
is "$(values 0008,0054)" "COUNTY COUNTY COUNTY" "and our AE title"
grep -q 'Received Final Find Response (Success)' "$T/said" && ok "the end is a success" || not_ok "the end is a success" "$(tail -3 "$T/said")"

find -P QueryRetrieveLevel=PATIENT PatientName PatientID NumberOfPatientRelatedStudies
is "$(values 0010,0020)" "P1 P2 P3" "the patient level lists the patients"

find -S QueryRetrieveLevel=STUDY 'PatientName=zhang*' StudyInstanceUID
is "$(values 0020,000d)" "$S.1" "a name is found in any case"
for set in GB18030 'ISO_IR 192'; do
	for who in '王^五' '张^三'; do
		find -S QueryRetrieveLevel=STUDY "SpecificCharacterSet=$set" "PatientName=$(printf %s "$who" | iconv -f UTF-8 -t "${ICONV[$set]}")" StudyInstanceUID PatientID
		is "$(answers)" 1 "$who asked in $set is found"
		is "$(values 0010,0010 | grep -c "$who")" 1 "and answered legibly"
		is "$(charset)" "$set" "in $set"
	done
done
find -S QueryRetrieveLevel=STUDY "SpecificCharacterSet=GB18030" StudyInstanceUID=$S.3 PatientName
is "$(charset)" "" "an ASCII answer declares no character set"

find -S QueryRetrieveLevel=STUDY StudyDate=20260301-20260310 StudyInstanceUID
is "$(values 0020,000d)" "$S.1 $S.2" "a range of dates"
find -S QueryRetrieveLevel=STUDY "StudyInstanceUID=$S.1\\$S.3" AccessionNumber
is "$(values 0008,0050)" "A1 C9" "a list of UIDs"
find -S QueryRetrieveLevel=STUDY ModalitiesInStudy=SR StudyInstanceUID
is "$(values 0020,000d)" "$S.1" "modalities in study, any series"
find -S QueryRetrieveLevel=SERIES StudyInstanceUID=$S.1 SeriesInstanceUID Modality NumberOfSeriesRelatedInstances
is "$(values 0020,000e)" "$S.1.1 $S.1.2" "the series of a study"
is "$(values 0020,1209)" "1 2" "with their numbers of images"
find -S QueryRetrieveLevel=IMAGE StudyInstanceUID=$S.1 SeriesInstanceUID=$S.1.1 SOPInstanceUID InstanceNumber
is "$(values 0008,0018)" "$S.1.1.1 $S.1.1.2" "the images of a series"

find -S StudyInstanceUID=$S.1
grep -q 'Error: DataSetDoesNotMatchSOPClass' "$T/said" && ok "a query without a level is A900" || not_ok "a query without a level is A900" "$(tail -3 "$T/said")"
find -S QueryRetrieveLevel=PATIENT PatientID
grep -q 'Error: DataSetDoesNotMatchSOPClass' "$T/said" && ok "the patient level in the study root is A900" || not_ok "the patient level in the study root is A900" "$(tail -3 "$T/said")"

MORE='--cancel 1' find -S QueryRetrieveLevel=IMAGE SOPInstanceUID
grep -q 'Received Final Find Response' "$T/said" && ok "a cancelled query ends with a final response" || not_ok "a cancelled query ends with a final response" "$(tail -3 "$T/said")"
find -S QueryRetrieveLevel=STUDY StudyInstanceUID
is "$(answers)" 3 "and the next query is served"

is "$(grep -c 'ZHANG\|P1\b\|张' "$T/county.log")" 0 "no name and no ID stands in the log"
done_testing
