#!/bin/bash
# The whole matrix of codecs: every pair on synthetic images (matrix_test), then every real object at hand into every syntax
# that it can go into, judged by programs that are not ours. Exit code 0 only if every comparison holds.
#
#   pixels_proof.sh [FOLDER]     of DICOM files; with PIXELS.tsv in it, what others decoded is compared too
#                                (default: $PACS_TEST_DATA or ../shared/data)
. "$(dirname "$0")/../lib/sys.sh"
DATA=${1:-${PACS_TEST_DATA:-$ROOT/../shared/data}}
# UID[:LEVEL] of each target; those with a level are lossy
TARGETS="1.2.840.10008.1.2 1.2.840.10008.1.2.1 1.2.840.10008.1.2.2 1.2.840.10008.1.2.1.99 1.2.840.10008.1.2.1.98 1.2.840.10008.1.2.8.1 1.2.840.10008.1.2.5
	1.2.840.10008.1.2.4.57 1.2.840.10008.1.2.4.70 1.2.840.10008.1.2.4.80 1.2.840.10008.1.2.4.81 1.2.840.10008.1.2.4.90 1.2.840.10008.1.2.4.91
	1.2.840.10008.1.2.4.201 1.2.840.10008.1.2.4.202 1.2.840.10008.1.2.4.203
	1.2.840.10008.1.2.4.50:90 1.2.840.10008.1.2.4.51:90 1.2.840.10008.1.2.4.81:2 1.2.840.10008.1.2.4.91:8 1.2.840.10008.1.2.4.203:2"
convert() { "$TOOLS/convert" --worker "$BIN/xcode-worker" "$@"; }
# A copy under an older name of the same length, for a program that does not know the newer ones.
known_name()
{
	perl -0pe 's/1\.2\.840\.10008\.1\.2\.4\.20[12]\0/1.2.840.10008.1.2.4.90\0\0/; s/1\.2\.840\.10008\.1\.2\.4\.203\0/1.2.840.10008.1.2.4.91\0\0/;
		s/1\.2\.840\.10008\.1\.2\.1\.98/1.2.840.10008.1.2.4.80/; s/1\.2\.840\.10008\.1\.2\.8\.1\0/1.2.840.10008.1.2.4.80/' "$1" > "$T/named.dcm"
}
# Where an identifier now stands is no new fault of it, nor is YBR_FULL with Planar Configuration 0 in ultrasound: PS3.5 section 8.2
# wants that of compressed colour, PS3.3 C.8.5.6.1.16 wants 1, and YBR_FULL_422 in its place is found fault with too. What an
# enhanced MR image must have when it is ORIGINAL, it may have when it is DERIVED (PS3.3 C.8.13.4, C.7.6.18.3): dciodvfy
# does not know that. Nothing and a failure when dciodvfy itself dies of the file.
errors_in()
{
	dciodvfy "$1" > "$T/said" 2>&1
	[ $? -lt 128 ] || return 1
	grep -a '^Error' "$T/said" | grep -avE '<(0|YBR_FULL|YBR_FULL_422)> for value 1 of attribute <(Planar Configuration|Photometric)' |
		grep -avE 'present when condition unsatisfied .* Module=<(MRPulseSequence|BulkMotionSynchronization)>' | sed 's/ in (0x.*//' | sort -u
}
# Files that were made to be malformed may be refused, and what others make of their rest proves nothing.
is_sound() { case $1 in "$DATA"/bad/*) return 1 ;; esac; }
# The samples as GDCM has them; nothing when it cannot.
gdcm_samples()
{
	rm -f "$T/raw.dcm" "$T/raw.bin"
	gdcmconv --raw "$1" "$T/raw.dcm" >/dev/null 2>&1 && gdcmraw -i "$T/raw.dcm" -o "$T/raw.bin" >/dev/null 2>&1 && [ -s "$T/raw.bin" ] && head -c "$2" "$T/raw.bin" | sha256sum
}
# GDCM reads the same samples wrongly from DCMTK's own encoder too, while DCMTK reads ours rightly: its fault.
gdcm_errs_alone()
{
	local f=$1 ours=$2 t=$3 wanted=$4 len=$5
	rm -f "$T/plain.dcm" "$T/theirs.dcm" "$T/back.dcm"
	convert --to 1.2.840.10008.1.2.1 "$f" "$T/plain.dcm" > /dev/null
	[ -s "$T/plain.dcm" ] || cp "$f" "$T/plain.dcm"
	case $t in
	*.1.2.5) dcmdrle "$ours" "$T/back.dcm" && dcmcrle "$T/plain.dcm" "$T/theirs.dcm" ;;
	*.4.57) dcmdjpeg "$ours" "$T/back.dcm" && dcmcjpeg +el "$T/plain.dcm" "$T/theirs.dcm" ;;
	*.4.70) dcmdjpeg "$ours" "$T/back.dcm" && dcmcjpeg +e1 "$T/plain.dcm" "$T/theirs.dcm" ;;
	*.4.80) dcmdjpls "$ours" "$T/back.dcm" && dcmcjpls "$T/plain.dcm" "$T/theirs.dcm" ;;
	*) return 1 ;;
	esac 2>/dev/null || return 1
	[ "$("$TOOLS/samples" "$T/back.dcm" 2>/dev/null | sha256sum)" = "$wanted" ] && [ "$(gdcm_samples "$T/theirs.dcm" "$len")" != "$wanted" ]
}

check "every pair on synthetic images" "$ROOT/build/release/tests/matrix_test"

if [ ! -d "$DATA" ]; then skip "real objects" "no $DATA"; done_testing; fi
find "$DATA" -type f -size +0 ! -name '*.tsv' ! -name '*.md' ! -name 'DICOMDIR*' | sort > "$T/all"
mapfile -t all < "$T/all"
convert --digest "${all[@]}" > "$T/digests"
is "$(cut -f2 "$T/digests" | grep -cvE '^(ok|unsupported|format|limit)$')" 0 "no file costs a worker its life"
grep '	ok	' "$T/digests" | cut -f1 > "$T/images"
mapfile -t images < "$T/images"
note "${#all[@]} files, ${#images[@]} images that a codec here knows"

# What was decoded before, by everybody.
declare -A WAS ERRORS SAMPLES LENGTH DUMPS
unjudged=
while IFS=$'\t' read -r f _ _ out _ _ _ digest _; do WAS[$f]=$digest LENGTH[$f]=$out; done < <(grep '	ok	' "$T/digests")
for f in "${images[@]}"; do
	ERRORS[$f]=$(errors_in "$f") || unjudged="$unjudged $f"
	SAMPLES[$f]=$("$TOOLS/samples" "$f" 2>/dev/null | sha256sum)
	DUMPS[$f]=$(dcmdump -q "$f" 2>&1 >/dev/null | wc -l)
done
if [ -f "$DATA/PIXELS.tsv" ]; then
	bad= count=0
	# Only what all decoders must agree on; 4:2:2 and 8-bit samples in swapped words are listed as they lie in the file.
	while IFS=$'\t' read -r f _; do
		[ -n "${SAMPLES[$DATA/$f]:-}" ] || continue
		count=$((count + 1))
		grep -F "$f	" "$DATA/PIXELS.tsv" | cut -f7 | grep -q "^${SAMPLES[$DATA/$f]%% *}$" || bad="$bad $f"
	done < <(grep -E '1.2.840.10008.1.2.4.(57|70|80|90|201|202)	|1.2.840.10008.1.2.5	|1.2.840.10008.1.2(.[12])?	' "$DATA/PIXELS.tsv" |
		grep -vE 'YBR_FULL_422|/1	|small_odd_big_endian|philips_ob_pal' | sort -u -k1,1)
	is "$bad" "" "the samples of $count reversibly encoded objects are those that DCMTK, GDCM, OpenJPEG and OpenJPH decoded"
fi

[ -z "$unjudged" ] || note "dciodvfy dies of$unjudged"

# ---- one target ----

FOUND=$T/found
mkdir "$FOUND"
touch "$FOUND"/{failed,lost,differ,unread,faults,alone,agree,silent,converted,done}
found() { printf '%s\n' "$2" >> "$FOUND/$1"; }

# What others make of one output.
judge()
{
	local f=$1 out=$2 t=$3 got
	[ "$(dcmdump -q "$out" 2>&1 >/dev/null | wc -l)" -le "${DUMPS[$f]}" ] || found unread "$f>$t"
	is_sound "$f" || return
	known_name "$out"
	# dciodvfy does not inflate; that form is written from the same header as the explicit one.
	[ "$t" = 1.2.840.10008.1.2.1.99 ] || [[ "$unjudged " = *" $f "* ]] || [ -z "$(comm -13 <(echo "${ERRORS[$f]}") <(errors_in "$T/named.dcm" || echo "dciodvfy dies of it"))" ] || found faults "$f>$t"
	# GDCM 3.0 reads none of the newest, and gives planes and 4:2:2 as they lie in native files.
	case $t in *:*|*.20[123]|*.1.98|*.8.1|*.99|1.2.840.10008.1.2|*.1.2.1|*.1.2.2) return ;; esac
	got=$(gdcm_samples "$out" "${LENGTH[$f]}")
	if [ -z "$got" ]; then found silent "$f>$t"
	elif [ "$got" = "${SAMPLES[$f]}" ]; then found agree "$f>$t"
	elif gdcm_errs_alone "$f" "$out" "$t" "${SAMPLES[$f]}" "${LENGTH[$f]}"; then found alone "${f##*/}>$t"
	else found differ "$f>$t"; fi
}

# In a process and a folder of its own.
one_target()
{
	local t=$1 i f pairs=() outputs=()
	T=$T/${t//:/-}
	mkdir "$T"
	for i in "${!images[@]}"; do pairs+=("${images[$i]}" "$T/$i.dcm"); done
	convert --to "$t" "${pairs[@]}" > "$T/log"
	note "$t: $(cut -f2 "$T/log" | grep -c '^ok$') converted, $(cut -f2 "$T/log" | grep -c '^unsupported$') not of its kind, $(cut -f2 "$T/log" | grep -cvE '^(ok|unsupported)$') refused"
	# A lossy codec may be told by its bound that the picture is too poor; everything else has to work.
	awk -F'\t' -v t="$t" -v bad="$DATA/bad/" 'index($1, bad) != 1 && $2 != "ok" && $2 != "unsupported" && $2 != "limit" && !(t ~ /:/ && $2 == "mismatch") { print t, $1, $2, $10 }' "$T/log" >> "$FOUND/failed"
	grep '	ok	' "$T/log" | cut -f1 | sed "s/\$/>$t/" >> "$FOUND/converted"
	for i in "${!images[@]}"; do
		f=${images[$i]}
		grep -qF "$f	ok	" "$T/log" && [ -s "$T/$i.dcm" ] || continue
		outputs+=("$T/$i.dcm")
		judge "$f" "$T/$i.dcm" "$t"
	done
	case $t in
	*:*) ;;
	*) [ "${#outputs[@]}" = 0 ] || while IFS=$'\t' read -r o err _ _ _ _ _ digest _; do
		i=$(basename "$o" .dcm)
		[ "$err" = ok ] && [ "$digest" = "${WAS[${images[$i]}]}" ] || found lost "${images[$i]}>$t"
	done < <(convert --digest "${outputs[@]}") ;;
	esac
	[ "$(wc -l < "$T/log")" != "${#images[@]}" ] || found done "$t"
	rm -rf "$T"
}

running=0
for t in $TARGETS; do
	[ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
	(one_target "$t") &
	running=$((running + 1))
done
wait

# ---- all ----

number() { wc -l < "$FOUND/$1"; }
list() { tr '\n' ' ' < "$FOUND/$1"; }
note "GDCM decodes $(number agree) of ours to the same samples and cannot read $(number silent)"
[ ! -s "$FOUND/alone" ] || note "GDCM alone reads otherwise, from DCMTK's encoder too: $(list alone)"
is "$(number done)" "$(wc -w <<< "$TARGETS")" "each image was tried in each syntax"
is "$(list failed)" "" "no conversion fails that the standard allows"
is "$(list lost)" "" "$(number converted) conversions: what is reversible gives back every sample"
is "$(list differ)" "" "and GDCM, where it reads our code streams, decodes the same"
is "$(list unread)" "" "dcmdump has nothing to say that it did not say before"
is "$(list faults)" "" "dciodvfy finds no fault that was not there before"
done_testing
