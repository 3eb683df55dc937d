#!/bin/bash
# Our pictures beside those of DCMTK (dcmj2pnm, dcmp2pgm), on every image at hand: equal within one grey level, or the difference is
# one of those below, which the standard explains. Exit code 0 only if that holds.
#
#   render_proof.sh [FOLDER...]    of DICOM files (default: $PACS_TEST_DATA or ../shared/data, and pydicom's test files); phantoms always
#
# What differs, and why. Files are named, so that a new difference is a failure.
#   swapped      32-bit samples in big endian: DCMTK swaps OW as 16-bit words; PS3.5 section 7.3 wants the sample's own bytes swapped
#   subsampled   JPEG whose header says RGB and whose stream halves its chroma: it is YCbCr, and DCMTK believes the header
#   un           known elements written as UN: DCMTK leaves them unread, PS3.5 section 6.2.2 note 2 lets them be understood
#   ybr          DCMTK adds up rounded parts of YBR to RGB (PS3.3 C.7.6.3.1.2): one level more is allowed
#   segmented    DCMTK reads no segmented palettes (PS3.3 C.7.9.2): nothing to compare with
#   supplement   DCMTK draws a supplemental palette's colours (PS3.3 C.7.6.19) as grey; the file is a map of blood flow, in colours
#   contradiction  MONOCHROME2 of three samples a pixel: which of both is meant nobody knows; it is refused here
#   overshoot    a lossy decoder gives samples beyond Bits Stored (PS3.5 section 8.1.1): DCMTK cuts their highest bit off, and white becomes
#                black; they are the largest value here
#   padding      padding is black whatever the window and polarity (PS3.3 C.7.5.1.1.2); DCMTK windows it like samples
# Objects in a syntax that DCMTK cannot decode are given to it decoded by us: `proof-pixels` proves those samples.
. "$(dirname "$0")/../lib/sys.sh"
FOLDERS=("$@")
[ $# -gt 0 ] || FOLDERS=("${PACS_TEST_DATA:-$ROOT/../shared/data}" /usr/lib/python3/dist-packages/pydicom/data/test_files)
declare -A KNOWN=([rtdose_expb.dcm]=swapped [rtdose_expb_1frame.dcm]=swapped [SC_rgb_jpeg_lossy_gdcm.dcm]=subsampled [mg_dbt_hologic_4fr_j2kr.dcm]=padding
	[TC0327_mono2_spp3.dcm]=contradiction [rg3_jply.dcm]=overshoot)
compare() { "$TOOLS/render_compare" "$@"; }
add() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.10g", a + b }'; }

# dcm's picture of a frame: draw FILE FRAME OPTIONS...  into $T/x.pnm
draw() { rm -f "$T/x.pnm"; timeout 60 dcmj2pnm -q +F "$2" "${@:3}" "$1" "$T/x.pnm" >/dev/null 2>"$T/err"; [ -s "$T/x.pnm" ]; }

# One that DCMTK can read: itself, or decoded by us, or with the functional groups of its first frame where DCMTK looks for them.
readable()
{
	local f=$1
	if [ "$enhanced" = 1 ]; then
		"$TOOLS/convert" --worker "$BIN/xcode-worker" --to 1.2.840.10008.1.2 "$f" "$T/flat.dcm" >/dev/null 2>&1 || return 1
		dcmodify -nb -q -i "(0028,1050)=$centre" -i "(0028,1051)=$width" -i "(0028,1052)=$intercept" -i "(0028,1053)=$slope" "$T/flat.dcm" 2>/dev/null
		source=$T/flat.dcm
	elif draw "$f" 1; then
		source=$f
	else
		"$TOOLS/convert" --worker "$BIN/xcode-worker" --to 1.2.840.10008.1.2 "$f" "$T/plain.dcm" >/dev/null 2>&1
		source=$T/plain.dcm
		draw "$source" 1
	fi
}

# one FILE WHAT FRAME "DCMTK'S OPTIONS" OURS...
pictures=0 worst=0
one()
{
	local f=$1 what=$2 frame=$3 options=$4 r max over known; shift 4
	# shellcheck disable=SC2086
	draw "$source" "$frame" $options || { differ="$differ"$'\n'"$f $what: $(head -1 "$T/err")"; return; }
	pictures=$((pictures + 1))
	r=$(compare diff "$f" "$frame" "$T/x.pnm" "$@") && return
	read -r max over _ <<< "$r"
	case $photometric in YBR*) [ "$max" = 2 ] && { ybr=$((ybr + 1)); return; } ;; esac
	local name; name=$(basename "$f")
	case $name in ct0012_*) known=supplement ;; *) known=${KNOWN[$name]:-} ;; esac
	if [ -n "$known" ]; then
		explained["$known"]=$((${explained["$known"]:-0} + 1))
	else
		differ="$differ"$'\n'"$f $what ($options): $r"
	fi
}

# Every way in which a picture may be asked for.
every_way()
{
	local f=$1 first n
	case $kind/$voi in
	grey/linear) first="+Wi 1" ;;
	grey/sigmoid) first="+Wi 1 +Wfs" ;;
	grey/lut) first="+Wl 1" ;;
	grey/*) first="+Ww $(add "$centre" 0.5) $(add "$width" 1)" ;;
	*) first= ;;
	esac
	one "$f" default 1 "$first"
	one "$f" "without overlays" 1 "$first -O" plain
	[ "$frames" = 1 ] || [ "$enhanced" = 1 ] || [ "$voi" = range ] || one "$f" "last frame" "$frames" "$first"
	[ "$kind" = grey ] || return
	[ "$voi" != range ] || [ "$padding" = 1 ] || one "$f" "own range" 1 "+Wm"
	[ "$enhanced" = 1 ] || [ "$voi" != linear ] || for n in $(seq 2 "$windows"); do one "$f" "window $n" 1 "+Wi $n" "$n"; done
	[ "$voi" = exact ] || [ "$voi" = sigmoid ] || one "$f" "a window of one's own" 1 "+Ww 300 1100" 300,1100
}

: > "$T/all"
for d in "${FOLDERS[@]}"; do
	[ ! -d "$d" ] || find -L "$d" -type f -size +0 ! -name '*.tsv' ! -name '*.md' ! -name 'DICOMDIR*' ! -name '*.txt' ! -name '*.json' ! -name '*.dump' ! -name '*.gz' | sort >> "$T/all"
done
"$TOOLS/phantom" --out "$T/ph" --set test --seed 7 > /dev/null || not_ok "phantoms are made"
"$TOOLS/phantom" --out "$T/demo" --seed 7 > /dev/null
ls "$T"/ph/*.dcm "$T"/demo/*.dcm >> "$T/all"

# From a phantom of 12 bits: what real objects here do not have.
variant() { cp "$T/ph/t_u12.dcm" "$T/ph/v_$1.dcm"; dcmodify -nb -q "${@:2}" "$T/ph/v_$1.dcm" && echo "$T/ph/v_$1.dcm" >> "$T/all"; }
variant sigmoid -i '(0028,1050)=2000' -i '(0028,1051)=900' -i '(0028,1056)=SIGMOID'
variant exact -i '(0028,1050)=2000' -i '(0028,1051)=900' -i '(0028,1056)=LINEAR_EXACT'
variant narrow -i '(0028,1050)=2000.5' -i '(0028,1051)=1'
variant several -i '(0028,1050)=2000\100\3000' -i '(0028,1051)=900\50\4000'
variant slope -i '(0028,1052)=-1024' -i '(0028,1053)=0.5' -i '(0028,1050)=40' -i '(0028,1051)=400'
variant mono1 -m '(0028,0004)=MONOCHROME1' -i '(0028,1050)=2000' -i '(0028,1051)=3000'
variant mono1_inverse -m '(0028,0004)=MONOCHROME1' -i '(2050,0020)=INVERSE' -i '(0028,1050)=2000' -i '(0028,1051)=3000'

images=0 other=0 silent=0 differ= ybr=0
declare -A explained
while read -r f; do
	h=$(compare how "$f" 2>/dev/null) || { other=$((other + 1)); continue; }
	images=$((images + 1))
	read -r kind frames voi centre width slope intercept windows enhanced padding segmented photometric <<< "$h"
	if [ "$segmented" = 1 ]; then explained[segmented]=$((${explained[segmented]:-0} + 1)); continue; fi
	if ! readable "$f"; then silent=$((silent + 1)); continue; fi
	every_way "$f"
done < "$T/all"
note "$images images ($other files hold none that is known here); DCMTK cannot draw $silent of them"
for k in "${!explained[@]}"; do note "explained by $k: ${explained[$k]}"; done
note "within two levels for YBR: $ybr"
[ "$images" -gt 20 ] && ok "images were found" || not_ok "images were found" "$images"
is "$differ" "" "$pictures pictures are DCMTK's within one grey level, or the table says why not"

# ---- presentation states, by dcmp2pgm ----
states=0 bad=
for pr in "${FOLDERS[0]}"/other/kopr_clearcanvas/*.pr.dcm; do
	[ -f "$pr" ] || continue
	image=${pr%.pr.dcm}.dcm
	timeout 60 dcmp2pgm -q -p "$pr" "$image" "$T/s.pgm" >/dev/null 2>"$T/err" || { note "dcmp2pgm does not draw ${pr##*/}: $(head -1 "$T/err")"; continue; }
	states=$((states + 1))
	r=$(compare diff "$image" 1 "$T/s.pgm" "state=$pr" plain) || bad="$bad"$'\n'"${pr##*/}: $r"
done
if [ "$states" -gt 0 ]; then is "$bad" "" "$states images with presentation states are dcmp2pgm's within one grey level"; else skip "presentation states" "none at hand"; fi
done_testing
