#!/bin/bash
# Real objects in many character sets: their texts as we read them, as pydicom does, and as DCMTK's dcmconv does.
. "$(dirname "$0")/../lib/sys.sh"

DATA=${PACS_TEST_DATA:-$ROOT/../shared/data}/charset
PYTHON=
for p in python3 /usr/bin/python3; do "$p" -c 'import pydicom' 2>/dev/null && PYTHON=$p && break; done
[ -d "$DATA" ] || { skip "real objects are read as others read them" "no folder $DATA"; done_testing; }
[ -n "$PYTHON" ] || { skip "real objects are read as others read them" "no pydicom"; done_testing; }

# Empty component groups at the end of a name are left out by pydicom; they say nothing.
trimmed() { sed 's/[=^]*$//' "$1"; }
same() { cmp -s <(trimmed "$1") <(trimmed "$2"); }

# Where only one of the two reads as we do, and why.
declare -A ONLY=(
	[chrGB2312_ir58]='DCMTK; pydicom 2.3 leaves the escapes of IR 58 in the text'
)
for name in chrH31 chrH32 chrJapMulti chrJapMultiExplicitIR6 chrSQEncoding chrSQEncoding1; do
	ONLY[$name]='pydicom; DCMTK as Debian builds it has no converter for IR 87'
done
agreed=0
for f in "$DATA"/*.dcm "$DATA"/derived/*.dcm; do
	name=$(basename "$f" .dcm)
	"$TOOLS/texts" "$f" > "$T/ours" 2> "$T/said" || { not_ok "$name is read" "$(cat "$T/said")"; continue; }
	"$PYTHON" "$ROOT/tests/lib/texts.py" "$f" > "$T/pydicom" 2>/dev/null
	dcmconv -q +U8 "$f" "$T/utf8.dcm" 2>/dev/null && "$PYTHON" "$ROOT/tests/lib/texts.py" "$T/utf8.dcm" > "$T/dcmtk" 2>/dev/null || : > "$T/dcmtk"
	by=
	same "$T/ours" "$T/pydicom" && by=pydicom
	same "$T/ours" "$T/dcmtk" && by="${by:+$by and }DCMTK"
	rm -f "$T/utf8.dcm"
	if [ "$by" = 'pydicom and DCMTK' ] || [ "${ONLY[$name]:-none}" != none -a -n "$by" ]; then
		agreed=$((agreed + 1))
		[ "$by" = 'pydicom and DCMTK' ] || note "$name: only ${ONLY[$name]}"
		ok "$name is read as $by read it"
	else
		not_ok "$name is read as others read it (${by:-none does})" "$(diff <(trimmed "$T/ours") <(trimmed "$T/pydicom"); diff <(trimmed "$T/ours") <(trimmed "$T/dcmtk"))"
	fi
done
# What is not told, or told falsely, is found.
for name in chrX1 chrX2 derived/gbk_from_chrX2 derived/utf8_from_chrGB2312 Lena-utf8 chrFren chrGerm; do
	"$TOOLS/texts" "$DATA/$name.dcm" > "$T/ours"
	for declared in '' 'ISO_IR 100' 'ISO_IR 192' KLINGON; do
		cp "$DATA/$name.dcm" "$T/other.dcm"
		if [ -n "$declared" ]; then dcmodify -q -nb -imt -m "0008,0005=$declared" "$T/other.dcm"; else dcmodify -q -nb -imt -ea 0008,0005 "$T/other.dcm"; fi 2>/dev/null
		"$TOOLS/texts" "$T/other.dcm" > "$T/read"
		cmp -s "$T/ours" "$T/read" && ok "$name under \"$declared\" is read the same" || not_ok "$name under \"$declared\" is read the same" "$(diff "$T/ours" "$T/read")"
	done
done
[ $agreed -ge 30 ] && ok "$agreed objects were compared" || not_ok "$agreed objects were compared"
done_testing
