#!/usr/bin/env bash
# Pictures beside those of DCMTK's dcmj2pnm on phantoms (all real objects: make proof-render), and the options of `show`.
. "$(dirname "$0")/../lib/sys.sh"
V="$BIN/viewer-cli"
compare() { "$TOOLS/render_compare" "$@"; }
"$TOOLS/phantom" --out "$T/in" --set test --seed 7 >/dev/null || { not_ok "phantoms are made"; done_testing; }
size_of() { od -An -tu1 -j16 -N8 "$1" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 "x" (($5 * 256 + $6) * 256 + $7) * 256 + $8 }'; }
grey_of() { python3 - "$1" <<'P'
import struct, sys, zlib
b = open(sys.argv[1], "rb").read()
at, data = 8, b""
while at < len(b):
    n, kind = struct.unpack(">I4s", b[at:at + 8])
    if kind == b"IHDR": w, h, bits, colour = struct.unpack(">IIBB", b[at + 8:at + 18])
    if kind == b"IDAT": data += b[at + 8:at + 8 + n]
    at += 12 + n
raw, ch = zlib.decompress(data), 3 if colour == 2 else 1
rows, last = [], bytes(w * ch)
for y in range(h):
    row = raw[y * (w * ch + 1):(y + 1) * (w * ch + 1)]
    line = bytearray(row[1:])
    for x in range(ch if row[0] == 1 else len(line), len(line)):       # filter "sub", the one that is used
        line[x] = (line[x] + line[x - ch]) & 255
    last = bytes(line)
    rows.append(last)
print(w, h, ch, sum(map(sum, rows)) // (w * h * ch))
P
}

# ---- beside DCMTK: FILE, its options, ours ----
against() { dcmj2pnm -q +F "$2" $3 "$1" "$T/x.pnm" 2>"$T/err" && compare diff "$1" "$2" "$T/x.pnm" "${@:4}"; }
variant() { cp "$T/in/$1.dcm" "$T/v_$2.dcm"; dcmodify -nb -q "${@:3}" "$T/v_$2.dcm"; }
variant t_u12 several -i '(0028,1050)=2000\100' -i '(0028,1051)=900\50' -i '(0028,1055)=SOFT\HARD' -i '(0028,1052)=-24' -i '(0028,1053)=2'
variant t_u12 sigmoid -i '(0028,1050)=2000' -i '(0028,1051)=900' -i '(0028,1056)=SIGMOID'
variant t_u12 mono1 -m '(0028,0004)=MONOCHROME1' -i '(0028,1050)=2000' -i '(0028,1051)=3000'
for k in "several +Wi#1" "several +Wi#2 2" "sigmoid +Wi#1#+Wfs" "mono1 +Wi#1" "mono1 +Ww#300#1100 300,1100"; do
	read -r name options ours <<< "$k"
	check "$name ${options//\#/ } is drawn as DCMTK does" against "$T/v_$name.dcm" 1 "${options//\#/ }" $ours
done
for name in t_s12 t_s16 t_u8 t_u10 t_u16 t_odd5x7; do check "$name is drawn as DCMTK does" against "$T/in/$name.dcm" 1 "+Wi 1"; done
check "an overlay in unused bits is drawn as DCMTK does" against "$T/in/t_overlay.dcm" 1 "+Wi 1"
check "and left out" against "$T/in/t_overlay.dcm" 1 "+Wi 1 -O" plain
check "a colour cine's last frame is drawn as DCMTK does" against "$T/in/t_cine.dcm" 10 ""
if against "$T/v_several.dcm" 1 "+Wi 1" 2 >/dev/null; then not_ok "two windows give two pictures" "they are alike: the comparison compares nothing"; else ok "two windows give two pictures"; fi

# ---- the options of show ----
show() { rm -f "$T/o.png"; "$V" show "$@" --png "$T/o.png"; }
check "a window is chosen by its name" show "$T/v_several.dcm" --window HARD
check_says '"SOFT" "HARD"' "one that is not there is an error that names those that are" show "$T/v_several.dcm" --window LUNG
check_says "window 3 of 2" "and a number beyond the last too" show "$T/v_several.dcm" --window "#3"
check_exit 2 "a window without width is a usage error" show "$T/v_several.dcm" --window 40,
show "$T/in/t_u12.dcm" --size 40x40; is "$(size_of "$T/o.png" | tr x '\n' | sort -n | tail -1)" 40 "--size makes it fit"
show "$T/in/t_odd5x7.dcm" --size 50x70 --enlarge; is "$(size_of "$T/o.png")" 50x70 "--enlarge makes it larger"
show "$T/in/t_u12.dcm"; a=$(grey_of "$T/o.png"); show "$T/in/t_u12.dcm" --invert; b=$(grey_of "$T/o.png")
sum=$((${a##* } + ${b##* })); is "$([ $sum -ge 253 ] && [ $sum -le 255 ] && echo opposite)" opposite "--invert is the opposite"
"$V" show "$T/in/t_u12.dcm" --jpeg "$T/o.jpg"; is "$(od -An -tx1 -N3 "$T/o.jpg")" " ff d8 ff" "--jpeg writes a JPEG"
variant t_u12 flat_pixels -i '(0028,0034)=2\1'
show "$T/v_flat_pixels.dcm"; wide=$(size_of "$T/o.png"); show "$T/v_flat_pixels.dcm" --as-stored; stored=$(size_of "$T/o.png")
is "$((${wide#*x}))x${wide%x*}" "$((2 * ${stored#*x}))x${stored%x*}" "pixels twice as high are drawn so, and --as-stored are not"
check_exit 1 "a place that cannot be written is an error" "$V" show "$T/in/t_u8.dcm" --png "$T/nowhere/x.png"

# ---- thumbnails: like the exact picture, from every syntax ----
"$TOOLS/phantom" --out "$T/demo" --seed 7 >/dev/null
show "$T/demo/dr_hand.dcm" --size 100x100; exact=$(grey_of "$T/o.png")
for to in htj2k j2k jpegls 1.2.840.10008.1.2; do
	"$TOOLS/convert" --worker "$BIN/xcode-worker" --to $to "$T/demo/dr_hand.dcm" "$T/$to.dcm" >/dev/null
	show "$T/$to.dcm" --thumbnail 100; got=$(grey_of "$T/o.png")
	d=$((${got##* } - ${exact##* })); is "${got% *} $([ ${d#-} -le 3 ] && echo alike)" "${exact% *} alike" "a thumbnail from $to is like the picture"
done

# ---- an enhanced object: window and slope of each frame; a presentation state ----
cat > "$T/e.dump" <<'D'
(0008,0016) UI =SecondaryCaptureImageStorage
(0008,0018) UI [1.2.3.4]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0008) IS [2]
(0028,0010) US 2
(0028,0011) US 2
(0028,0100) US 8
(0028,0101) US 8
(0028,0102) US 7
(0028,0103) US 0
(5200,9229) SQ
(fffe,e000) na
(0028,9145) SQ
(fffe,e000) na
(0028,1052) DS [100]
(0028,1053) DS [1]
(fffe,e00d) na
(fffe,e0dd) na
(fffe,e00d) na
(fffe,e0dd) na
(5200,9230) SQ
(fffe,e000) na
(0028,9132) SQ
(fffe,e000) na
(0028,1050) DS [110]
(0028,1051) DS [1]
(fffe,e00d) na
(fffe,e0dd) na
(fffe,e00d) na
(fffe,e000) na
(0028,9132) SQ
(fffe,e000) na
(0028,1050) DS [130]
(0028,1051) DS [1]
(fffe,e00d) na
(fffe,e0dd) na
(fffe,e00d) na
(fffe,e0dd) na
(7fe0,0010) OB 05\0f\14\19\05\0f\14\1f
D
cat > "$T/p.dump" <<'D'
(0008,0016) UI =GrayscaleSoftcopyPresentationStateStorage
(0008,0018) UI [1.2.3.5]
(0008,1115) SQ
(fffe,e000) na
(0008,1140) SQ
(fffe,e000) na
(0008,1155) UI [1.2.3.4]
(fffe,e00d) na
(fffe,e0dd) na
(fffe,e00d) na
(fffe,e0dd) na
(0070,0001) SQ
(fffe,e000) na
(0070,0008) SQ
(fffe,e000) na
(0070,0006) ST [a word]
(fffe,e00d) na
(fffe,e0dd) na
(fffe,e00d) na
(fffe,e0dd) na
(0070,0042) US 90
(0070,005a) SQ
(fffe,e000) na
(0070,0052) SL 1\1
(0070,0053) SL 1\2
(fffe,e00d) na
(fffe,e0dd) na
D
for how in "" "-e"; do      # sequences of undefined and of defined length
	dump2dcm -q +te $how "$T/e.dump" "$T/e.dcm"; dump2dcm -q +te "$T/p.dump" "$T/p.dcm"
	show "$T/e.dcm" --frame 1; one=$(grey_of "$T/o.png"); show "$T/e.dcm" --frame 2; two=$(grey_of "$T/o.png")
	is "$one / $two" "2 2 1 191 / 2 2 1 63" "each frame of an enhanced object has its own window and the shared slope ($how)"
done
check_says "a word" "a presentation state's text is printed" show "$T/e.dcm" --state "$T/p.dcm"
is "$(size_of "$T/o.png")" 2x1 "and its area and turn are obeyed"
check_says "for other images" "a state for another image is an error" show "$T/in/t_u8.dcm" --state "$T/p.dcm"
done_testing
