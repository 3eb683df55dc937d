#!/usr/bin/env bash
# C-STORE with real clients and real objects: what was sent is what is kept; odd, repeated, conflicting, unreadable and
# hostile input; the allow-list; the disk reserve.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"
DATA=${PACS_TEST_DATA:-$ROOT/../shared/data}
PYDICOM=/usr/lib/python3/dist-packages/pydicom/data/test_files

start_node node county 'accept = any' || { not_ok "a node starts"; done_testing; }
P=${PORT[node]}
scu() { storescu -aec NODE "$@"; }
as_is() { "$TOOLS/load" --as-is --called NODE --port "$P" "$@"; }
kept() { find "$T/node/store" -type f | wc -l; }
# digests of data sets: of given files; of everything that is kept
digest_of() { local f; for f in "$@"; do dataset_bytes "$f" | md5sum | cut -c1-32; done | sort -u; }
digests_kept() { find "$T/node/store" -type f -print0 | while IFS= read -r -d '' f; do dataset_bytes "$f" | md5sum | cut -c1-32; done | sort -u; }

# ---- first ----
check "echoscu is answered" echoscu -aec NODE 127.0.0.1 "$P"
make_object "$T/a.dcm" sop=1.2.3.4.1
check "storescu with its default settings is answered with success" scu 127.0.0.1 "$P" "$T/a.dcm"
check "the image is indexed when the answer comes" images node 1
is "$(digests_kept)" "$(digest_of "$T/a.dcm")" "the data set is kept as it was received"

# ---- the same again, and another of the same name ----
check "sending it again is a success" scu 127.0.0.1 "$P" "$T/a.dcm"
is "$(kept)" 1 "and changes nothing"
f=$(find "$T/node/store" -type f); cp "$f" "$T/good"; : > "$f"
check "when the kept file was damaged, sending again is a success" scu 127.0.0.1 "$P" "$T/a.dcm"
is "$(digests_kept)" "$(digest_of "$T/a.dcm")" "and repairs it"
make_object "$T/b.dcm" sop=1.2.3.4.1 number=7
check_says "b000" "another image under the same SOP Instance UID is told with a warning" as_is "$T/b.dcm"
is "$(digests_kept)" "$(digest_of "$T/a.dcm" "$T/b.dcm")" "and both are kept"
is "$(field node index.images)" 1 "and one is current"

# ---- what cannot be indexed is kept apart ----
make_object "$T/no_study.dcm" study= series=1.2.3.9 sop=1.2.3.9.1
check_says "c000" "an image without a Study Instance UID is answered with a failure" as_is "$T/no_study.dcm"
head -c 700 "$T/a.dcm" > "$T/cut.dcm"
check_says "c000" "an image that ends too early is answered with a failure" as_is "$T/cut.dcm"
is "$(find "$T/node/quarantine" -type f | wc -l)" 2 "and both are kept in quarantine"
check "the node goes on" echoscu -aec NODE 127.0.0.1 "$P"

# ---- every syntax that comes to hand, as it comes ----
sent=()
send_all()               # FILES...   those that are whole DICOM files with all UIDs
{
	local f out bad=
	for f in "$@"; do
		out=$(as_is "$f")
		case $out in 0000*|b00*) sent+=("$f") ;; *) bad="$bad $out" ;; esac
	done
	printf '%s' "$bad"
}
files=()
for f in CT_small.dcm MR_small.dcm MR_small_RLE.dcm MR_small_bigendian.dcm MR_small_implicit.dcm MR_small_jp2klossless.dcm \
	MR_small_jpeg_ls_lossless.dcm JPEG2000.dcm JPEG-lossy.dcm JPGExtended.dcm SC_rgb_jpeg_gdcm.dcm SC_rgb_rle_2frame.dcm image_dfl.dcm \
	reportsi.dcm waveform_ecg.dcm; do
	[ -f "$PYDICOM/$f" ] && files+=("$PYDICOM/$f")
done
is "$(send_all "${files[@]}")" "" "${#files[@]} test files of pydicom in many syntaxes are stored"
if [ -d "$DATA" ]; then
	is "$(send_all "$DATA"/syntaxes/ct_1.2*.dcm "$DATA"/syntaxes/ct1_jpegxl_1*.dcm "$DATA"/dr/rg3_*.dcm "$DATA"/us/us1_*.dcm)" "" \
		"real objects of every syntax are stored"
fi
"$TOOLS/phantom" --out "$T/phantoms" --set test >/dev/null
is "$(send_all "$T"/phantoms/*.dcm)" "" "the phantoms are stored"
digest_of "${sent[@]}" 2>/dev/null > "$T/sent"; digests_kept > "$T/kept"
is "$(comm -23 "$T/sent" "$T/kept" | wc -l)" 0 "every data set is kept byte for byte"

# ---- the same image again, after it was compressed ----
make_node squeeze county 'accept = any
route "small" {
 action = compress
 codec = jpeg2000
}'
mkdir -p "$T/squeeze/run"
# The sleep is the predecessor's dying: how long it still holds the lock, not a wait for anything.
flock "$T/squeeze/run/ingest.lock" sh -c 'echo held; sleep 1' > "$T/held" &
wait_for 5 '[ -s "$T/held" ]'
serve_node squeeze && ok "a node starts although its predecessor dies slowly" || not_ok "a node starts although its predecessor dies slowly"
S=${PORT[squeeze]}
compressed() { find "$T/squeeze/store" -type f | while read -r f; do syntax_of "$f"; done | grep -c '^JPEG2000LosslessOnly$\|^1\.2\.840\.10008\.1\.2\.4\.90$'; }
again=("$T"/phantoms/t_{explicit,cine,cine_mono,planar,overlay,s16,u10,u12}.dcm)
check "eight images in explicit VR are stored" "$TOOLS/load" --as-is --called SQUEEZE --port "$S" "${again[@]}"
check "and compressed, but for one with overlay bits in its samples" wait_for 30 '[ "$(compressed)" = 7 ]'
check "sent again in implicit VR they are a success" storescu -xi -aec SQUEEZE 127.0.0.1 "$S" "${again[@]}"
check "sent again in big endian too" storescu -xb -aec SQUEEZE 127.0.0.1 "$S" "$T"/phantoms/t_{explicit,overlay,s16}.dcm
is "$(field squeeze index.images) $(field squeeze index.conflicts) $(find "$T/squeeze/store" -type f | wc -l) $(compressed)" "8 0 8 7" \
	"and nothing changed: no row, no conflict and no file more"
dcmodify -q -nb -ma "(0010,0010)=OTHER^NAME" "$T/phantoms/t_s16.dcm" 2>/dev/null
check "with another name in it, it is another image" storescu -xi -aec SQUEEZE 127.0.0.1 "$S" "$T/phantoms/t_s16.dcm"
is "$(field squeeze index.images) $(field squeeze index.conflicts)" "8 1" "and both are kept"
stop_node squeeze

# ---- an object in another encoding than its meta group says ----
python3 - "$T/a.dcm" "$T/lies.dcm" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
i = b.index(b"1.2.840.10008.1.2.1\0")
b[i:i + 20] = b"1.2.840.10008.1.2\0\0\0"     # explicit bytes under an implicit label
b = b.replace(b"1.2.3.4.1\0", b"1.2.3.4.2\0")
open(sys.argv[2], "wb").write(b)
PY
check_says "0000" "explicit VR sent in an implicit VR context is stored" as_is "$T/lies.dcm"
check_says "1.2.840.10008.1.2.1" "with the syntax it really has" \
	bash -c "grep -l '1\.2\.3\.4\.2' -r '$T/node/store' | head -1 | xargs dcmdump -q -Un +P 0002,0010"

# ---- hostile peers ----
for junk in '\000' 'GET / HTTP/1.0\r\n\r\n' '\001\000\377\377\377\377' '\004\000\000\000\000\006\000\000\000\002\001\003' '\001\000\000\000\000\112xxxx'; do
	printf "$junk" > /dev/tcp/127.0.0.1/"$P"
done
head -c 200000 /dev/urandom > /dev/tcp/127.0.0.1/"$P" 2>/dev/null
check "after rubbish on its port the node goes on" scu 127.0.0.1 "$P" "$T/a.dcm"
if [ -d "$DATA/bad" ]; then
	before=$(field node storescp.pid 2>/dev/null)
	find "$DATA/bad" -type f -print0 | xargs -0 -n 40 "$TOOLS/load" --as-is --called NODE --port "$P" > "$T/bad.out" 2>&1
	check "after every malformed object the node goes on" echoscu -aec NODE 127.0.0.1 "$P"
	is "$(field node storescp.pid 2>/dev/null)" "$before" "and it is the same process"
	is "$(grep -c 'line broke' "$T/bad.out")" 0 "each got an answer"
fi
is "$(find "$T/node/spool" -type f -size +0 | wc -l)" 0 "nothing is left in spool"

# ---- the disk reserve ----
make_object "$T/late.dcm" sop=1.2.3.4.3
sed -i '/^reserve/d' "$T/node/pacs.conf"; sed -i '1i reserve = 1000000000' "$T/node/pacs.conf"
check "a reserve larger than the disk is taken" pacs node reload
check_says "a700" "below the reserve an image is answered A700" as_is "$T/late.dcm"
is "$(find "$T/node/spool" -type f -size +0 | wc -l)" 0 "and nothing half-written remains"
check "queries go on" findscu -aec NODE -S -k QueryRetrieveLevel=STUDY -k StudyInstanceUID= 127.0.0.1 "$P"
sed -i '1d' "$T/node/pacs.conf"
check "the reserve is lowered" pacs node reload
check "and the image is stored" as_is "$T/late.dcm"

# ---- who may call ----
start_node shut clinic || not_ok "a node with an allow-list starts"
check_exit 1 "a caller nobody knows is refused" echoscu -aet NEWCR -aec SHUT 127.0.0.1 "${PORT[shut]}"
wait_for 5 "pacs shut node pending | grep -q NEWCR" && ok "and is shown as pending" || not_ok "and is shown as pending" "$(pacs shut node pending)"
check "one command lets it in" pacs shut node accept NEWCR
check "at once" echoscu -aet NEWCR -aec SHUT 127.0.0.1 "${PORT[shut]}"
check_exit 1 "another called AE title is refused" echoscu -aet NEWCR -aec OTHER 127.0.0.1 "${PORT[shut]}"
is "$(grep -c 'TEST^ONE\|patient' "$T"/*.log)" "$(for l in "$T"/*.log; do echo "$l:0"; done)" "no patient's name stands in a log"
stop_node node; is $? 0 "SIGTERM ends the node cleanly"
done_testing
