#!/bin/bash
# C-GET with DCMTK's getscu: what comes is what is kept, element by element, or transcoded when the peer needs it.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"

S=1.2.826.0.1.3680043.9.10
mkdir "$T/in"
for n in 1 2 3; do make_object "$T/in/$n.dcm" study=$S.1 number=$n; done
make_object "$T/in/4.dcm" study=$S.1 series_number=2 number=1
make_object "$T/in/5.dcm" study=$S.2 number=1

start_node county county 'accept = any' || { not_ok "the node starts"; done_testing; }
AT="127.0.0.1 ${PORT[county]}"
check "five objects are stored" storescu -aec COUNTY $AT +sd "$T/in"

# get OPTIONS -- KEYS...   files to $T/out, words to $T/said
get()
{
	local options=() args=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done; shift
	for k in "$@"; do args+=(-k "$k"); done
	rm -rf "$T/out"; mkdir "$T/out"
	getscu -d -aec COUNTY "${options[@]}" -od "$T/out" $AT "${args[@]}" > "$T/said" 2>&1
}
received() { ls "$T/out" | wc -l; }
# same FILE...   each was received with the data set that was sent
same()
{
	local f got uid
	for f in "$@"; do
		uid=$(dcmdump -q +P 0008,0018 "$f" | sed 's/.*\[\(.*\)\].*/\1/')
		got=$(grep -l "$uid" "$T"/out/*) || return 1
		cmp <(dataset_bytes "$f") <(dataset_bytes "$got") || return 1
	done
}
counter() { sed -n "s/^D: $1 Suboperations *: //p" "$T/said" | tail -1; }

get -S +B -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
is "$(received)" 4 "a study comes whole"
check "each data set byte by byte as it was sent" same "$T"/in/[1-4].dcm
is "$(counter Completed) $(counter Failed) $(counter Warning)" "4 0 0" "the counters say so"
get -S -- QueryRetrieveLevel=SERIES StudyInstanceUID=$S.1 SeriesInstanceUID=$S.1.2
is "$(received)" 1 "a series"
get -S -- QueryRetrieveLevel=IMAGE "SOPInstanceUID=$S.1.1.2\\$S.2.1.1"
is "$(received)" 2 "a list of images, upper levels left open"
get -P -- QueryRetrieveLevel=PATIENT PatientID=T1
is "$(received)" 5 "a patient"
get -S -- QueryRetrieveLevel=STUDY StudyInstanceUID=9.9
is "$(received)" 0 "nothing matches: nothing comes"
grep -q 'Status.*: 0x0000\|Final.*Success' "$T/said" && ok "and that is a success" || not_ok "and that is a success" "$(tail -20 "$T/said")"
get -S -- QueryRetrieveLevel=STUDY StudyInstanceUID=
grep -qi '0xa900\|IdentifierDoesNotMatch' "$T/said" && ok "without its unique key a retrieval is A900" || not_ok "without its unique key a retrieval is A900" "$(tail -20 "$T/said")"

# ---- one context with many syntaxes, JPEG 2000 first: what is stored decides ----
get -S +xv +B -- QueryRetrieveLevel=STUDY StudyInstanceUID=$S.1
is "$(received)" 4 "a peer that likes JPEG 2000 best gets the study"
is "$(for f in "$T"/out/*; do syntax_of "$f"; done | sort -u)" 1.2.840.10008.1.2.1 "in explicit VR, as it is stored: nothing is encoded for it"

# ---- another syntax than the stored one ----
PYDICOM=/usr/lib/python3/dist-packages/pydicom/data/test_files
if [ -d "$PYDICOM" ]; then
	check "a JPEG 2000 object is stored as such" storescu -xv -aec COUNTY $AT "$PYDICOM/MR_small_jp2klossless.dcm"
	uid=$(dcmdump -q +P 0008,0018 "$PYDICOM/MR_small_jp2klossless.dcm" | sed 's/.*\[\(.*\)\].*/\1/')
	get -S +xv +B -- QueryRetrieveLevel=IMAGE "SOPInstanceUID=$uid"
	is "$(syntax_of "$T"/out/*)" 1.2.840.10008.1.2.4.90 "and comes as such to a peer that takes it"
	kept=$(grep -rl "$uid" "$T/county/store")
	check "byte by byte as it is kept" cmp <(dataset_bytes "$kept") <(dataset_bytes "$T"/out/*)
	get -S -- QueryRetrieveLevel=IMAGE "SOPInstanceUID=$uid"
	is "$(syntax_of "$T"/out/*)" 1.2.840.10008.1.2.1 "a peer without JPEG 2000 gets it in explicit VR"
	is "$(dcmdump -q +L +P 7fe0,0010 "$T"/out/* | md5sum)" "$(dcmdump -q +L +P 7fe0,0010 "$PYDICOM/MR_small.dcm" | md5sum)" "with the pixels of the original"
else
	skip "JPEG 2000 to a peer without it" "python3-pydicom is not installed"
fi
done_testing
