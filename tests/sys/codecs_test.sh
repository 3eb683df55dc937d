#!/bin/bash
# Codecs by policy: what a clinic stores, what goes to each destination, and that a lossy copy is another object.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"

"$TOOLS/phantom" --out "$T/in" --set test --seed 3 || { not_ok "phantoms are made"; done_testing; }
start_node near county 'accept = any' || not_ok "a node starts"
start_node far province 'accept = any' || not_ok "another node starts"
make_node clinic clinic "accept = any
retry_min = 1
node \"NEAR\" { aet = \"NEAR\" host = \"127.0.0.1\" port = ${PORT[near]} codec = \"htj2k\" }
node \"FAR\" { aet = \"FAR\" host = \"127.0.0.1\" port = ${PORT[far]} codec = \"jpeg:85\" }
route \"ls\" { modality = \"US\" action = compress codec = \"jpegls\" }
route \"cr\" { sop_class = \"1.2.840.10008.5.1.4.1.1.1\" action = compress codec = \"jpeg-lossless\" }
route \"rest\" { action = compress }
route \"near\" { action = forward to = \"NEAR\" }
route \"far\" { action = forward to = \"FAR\" }"
serve_node clinic || not_ok "the clinic starts"
sent="t_cine t_u12 t_explicit t_s16 t_u8"
for f in $sent; do storescu -aet CR1 -aec CLINIC +sd 127.0.0.1 "${PORT[clinic]}" "$T/in/$f.dcm" || note "$f not sent"; done
wait_for 30 'images near 5' && ok "five images reach the near node" || not_ok "five images reach the near node" "$(pacs clinic queue list)"
wait_for 30 'images far 5' && ok "five images reach the far node" || not_ok "five images reach the far node" "$(pacs clinic queue list)"

# kept NODE PHANTOM   "SYNTAX PHOTOMETRIC" of the object that came from this phantom, by its SOP Instance UID or that of its source
kept()
{
	local uid f; uid=$(dcmdump -q +P 0008,0018 "$T/in/$2.dcm" | sed 's/.*\[\(.*\)\].*/\1/')
	for f in $(find "$T/$1/store" -name '*.dcm'); do
		dcmdump -q +P 0008,0018 +P 0008,1155 "$f" | grep -q "\[$uid\]" || continue
		echo "$f"
		return
	done
}
is "$(syntax_of "$(kept clinic t_cine)")" 1.2.840.10008.1.2.4.80 "ultrasound is kept as JPEG-LS, as its rule says"
is "$(syntax_of "$(kept clinic t_u12)")" 1.2.840.10008.1.2.4.70 "a CR image as lossless JPEG, by its SOP class"
is "$(syntax_of "$(kept clinic t_explicit)")" "$(syntax_of "$(kept clinic t_s16)")" "the rest by the default"
is "$(syntax_of "$(kept near t_cine)") $(syntax_of "$(kept near t_explicit)")" "1.2.840.10008.1.2.4.202 1.2.840.10008.1.2.4.202" "to the near node all go as HTJ2K"
bad=
for f in $sent; do
	[ "$("$TOOLS/samples" "$(kept near $f)" 2>/dev/null | md5sum)" = "$("$TOOLS/samples" "$T/in/$f.dcm" 2>/dev/null | md5sum)" ] || bad="$bad $f"
done
is "$bad" "" "and with the very samples that were sent"
f=$(kept far t_u8)
is "$(syntax_of "$f")" 1.2.840.10008.1.2.4.50 "to the far node an 8-bit image goes as JPEG"
is "$(dcmdump -q +P 0028,2110 "$f" | sed 's/.*\[\(.*\)\].*/\1/')" 01 "told to be lossy"
[ "$(dcmdump -q +P 0008,0018 "$f" | sed 's/.*\[\(.*\)\].*/\1/')" != "$(dcmdump -q +P 0008,0018 "$T/in/t_u8.dcm" | sed 's/.*\[\(.*\)\].*/\1/')" ] &&
	ok "as another instance" || not_ok "as another instance"
is "$(dciodvfy "$f" 2>&1 | grep -a '^Error' | sort | comm -13 <(dciodvfy "$T/in/t_u8.dcm" 2>&1 | grep -a '^Error' | sort) -)" "" "in which dciodvfy finds no new fault"
is "$("$TOOLS/samples" "$(kept far t_explicit)" 2>/dev/null | md5sum)" "$("$TOOLS/samples" "$T/in/t_explicit.dcm" 2>/dev/null | md5sum)" \
	"a 14-bit image, which baseline JPEG does not take, goes there as it is"
# ---- the same image by two ways ----
storescu -aet CR2 -aec NEAR +sd 127.0.0.1 "${PORT[near]}" "$T/in/t_u12.dcm" "$T/in/t_cine.dcm" 2>"$T/err" && [ ! -s "$T/err" ] &&
	ok "what is there as HTJ2K comes again from the modality itself" || not_ok "what is there as HTJ2K comes again from the modality itself" "$(cat "$T/err")"
is "$(field near index.conflicts) $(field near index.images)" "0 5" "it is the same image: no conflict, and nothing doubled"

# ---- decoded again ----
check_says "5 decode to the samples that were compressed" "kept images decode to what was compressed" "$BIN/pacs" -C "$T/clinic" pixels
f=$(kept clinic t_u12)
printf 'X' | dd of="$f" bs=1 seek=$(($(stat -c %s "$f") - 40)) conv=notrunc 2>/dev/null
check_exit 1 "one whose file was changed is found" "$BIN/pacs" -C "$T/clinic" pixels
check_says '"bad": 1' "and named for programs" "$BIN/pacs" -C "$T/clinic" --json pixels

check_exit 78 "a codec that does not exist is not written into pacs.conf" "$BIN/pacs" -C "$T/clinic" route add x --action compress --codec zip
check_says "jpegls-near:N" "the codecs are explained" "$BIN/pacs" help codecs
done_testing
