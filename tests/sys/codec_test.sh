#!/bin/bash
# The codec worker on phantoms and real objects, judged by programs that are not ours: GDCM decodes what we wrote,
# dcmdump and dciodvfy read it, sha256sum compares samples with the digests beside the real objects.
. "$(dirname "$0")/../lib/sys.sh"
DATA=${PACS_TEST_DATA:-$ROOT/../shared/data}
case $BIN in */asan/*|*/tsan/*) SANITIZED=1 ;; *) SANITIZED= ;; esac
convert() { "$TOOLS/convert" --worker "$BIN/xcode-worker" "$@"; }
# The native samples of a file as GDCM has them.
gdcm_samples() { gdcmconv --raw "$1" "$T/raw.dcm" && gdcmraw -i "$T/raw.dcm" -o "$T/raw.bin" && sha256sum < "$T/raw.bin"; }
errors_in() { dciodvfy "$1" 2>&1 | grep -a '^Error' | sort; }

mkdir "$T/in" "$T/j2k" "$T/back"
"$TOOLS/phantom" --out "$T/in" --set test --seed 7 || { not_ok "phantoms are made"; done_testing; }
check "phantoms are the same for the same seed" bash -c "'$TOOLS/phantom' --out '$T/again' --set test --seed 7 && diff -r '$T/in' '$T/again'"

# ---- to JPEG 2000, by the word of others ----
pairs=()
for f in "$T"/in/*.dcm; do pairs+=("$f" "$T/j2k/$(basename "$f")"); done
convert --to j2k "${pairs[@]}" > "$T/j2k.log"
is "$(grep -cv '	ok	' "$T/j2k.log")" 1 "all phantoms but one are compressed"
is "$(grep -c 't_overlay.dcm	unsupported	.*bits above the 12 stored' "$T/j2k.log")" 1 "the one with an overlay in its pixels stays as it is, with the reason"
bad=
for f in t_explicit t_implicit t_odd5x7 t_odd5x7_rgb t_u8 t_u10 t_u12 t_u16 t_s12 t_s16 t_cine t_cine_mono t_name_trail5c; do
	sum=$(gdcm_samples "$T/in/$f.dcm")
	[ -n "$sum" ] && [ "$(gdcm_samples "$T/j2k/$f.dcm")" = "$sum" ] || bad="$bad $f"
done
is "$bad" "" "GDCM decodes the very samples that went in"
bad=
for f in "$T"/j2k/*.dcm; do
	[ -s "$f" ] && [ "${f##*/}" != t_overlay.dcm ] || continue
	dcmdump -q "$f" >/dev/null 2>"$T/err" && [ ! -s "$T/err" ] || bad="$bad ${f##*/}"
	[ -z "$(comm -13 <(errors_in "$T/in/${f##*/}") <(errors_in "$f"))" ] || bad="$bad ${f##*/}(dciodvfy)"
done
is "$bad" "" "dcmdump reads what was written and dciodvfy finds no fault that was not there before"

# ---- and back ----
pairs=()
for f in t_explicit t_odd5x7_rgb t_s12 t_cine t_cine_mono; do pairs+=("$T/j2k/$f.dcm" "$T/back/$f.dcm"); done
convert --to explicit "${pairs[@]}" > "$T/back.log" || note "$(cat "$T/back.log")"
bad=
for f in "$T"/back/*.dcm; do cmp -s "$f" "$T/in/${f##*/}" || diff <(dcmdump "$f") <(dcmdump "$T/in/${f##*/}") > "$T/diff" || bad="$bad ${f##*/}"; done
is "$bad" "" "decompressed again, the objects are what they were"
"$TOOLS/phantom" --out "$T/demo" --seed 7
limit=64; [ -z "$SANITIZED" ] || limit=2048
check "a cine of 55 MB needs no more than 64 MB" convert --to j2k --memory $limit "$T/demo/us_cine.dcm" "$T/cine.dcm"

# ---- the sandbox ----
for how in open socket exec fork; do
	if [ -n "$SANITIZED" ]; then skip "a worker that tries to $how is killed" "sanitizers need what the filter forbids"; continue; fi
	{ "$BIN/xcode-worker" --selftest $how; } 2>/dev/null
	is $? $((128 + 31)) "a worker that tries to $how is killed by SIGSYS"
done

# ---- show ----
check "show writes a PNG" "$BIN/viewer-cli" show "$T/in/t_cine.dcm" --frame 3 --size 80x60 --png "$T/x.png"
is "$(od -An -tu1 -j16 -N8 "$T/x.png" | tr -s ' ')" " 0 0 0 80 0 0 0 60" "of the size that was asked for"
check_exit 1 "a frame that is not there is an error" "$BIN/viewer-cli" show "$T/in/t_cine.dcm" --frame 11 --png "$T/x.png"
check_exit 2 "a window without width is a usage error" "$BIN/viewer-cli" show "$T/in/t_cine.dcm" --window 40
"$BIN/viewer-cli" show "$T/demo/dr_hand.dcm" > "$T/plain"
is "$(LC_ALL=C grep -c $'\033' "$T/plain")" 0 "no terminal, no escapes"
is "$([ "$(tr -d ' \n' < "$T/plain" | wc -c)" -gt 100 ] && echo drawn)" drawn "and yet a picture"

# ---- real objects: every lossless one to the last bit ----
lossless='1.2.840.10008.1.2.4.(57|70|80|90|201|202)	|1.2.840.10008.1.2.5	|1.2.840.10008.1.2(.[12])?	'
if [ -f "$DATA/PIXELS.tsv" ]; then
	bad= count=0
	while read -r f; do
		count=$((count + 1))
		sum=$("$TOOLS/samples" "$DATA/$f" 2>/dev/null | sha256sum | cut -d' ' -f1)
		grep -F "$f	" "$DATA/PIXELS.tsv" | cut -f7 | grep -q "^$sum$" || bad="$bad $f"
		# 4:2:2 and 8-bit samples swapped in words are listed as they lie in the file; ours are as they are seen.
	done < <(grep -E "$lossless" "$DATA/PIXELS.tsv" | grep -vE 'YBR_FULL_422|/1	|small_odd_big_endian|philips_ob_pal' | cut -f1 | sort -u)
	is "$bad" "" "the samples of $count real lossless objects are those of DCMTK, GDCM, OpenJPEG and OpenJPH"
	pairs=()
	for f in "$DATA"/dr/*.dcm "$DATA"/us/*.dcm "$DATA"/bad/*.dcm; do pairs+=("$f" "$T/real.dcm"); done
	convert --to j2k "${pairs[@]}" > "$T/real.log"
	is "$(cut -f2 "$T/real.log" | grep -cvE '^(ok|unsupported|format)$')" 0 "no real or malformed object costs a worker its life"
else
	skip "the samples of real objects" "no $DATA"
fi
done_testing
