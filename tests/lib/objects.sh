# Small objects for the sys tests, made with dump2dcm: one image each, told by key=value.
#
#   make_object FILE charset=GB18030 name='王^五' id=P1 study=1.2.3 series=1.2.3.1 sop=1.2.3.1.1
#
# Values are UTF-8 and are written in the declared charset, or in `written` where that is to be another one. Pixel data is 8 x 8 bytes of its number.

declare -A OBJECT_DEFAULT=([charset]= [written]= [name]='TEST^ONE' [id]=T1 [birth]=19700101 [sex]=M [study]=1.2.826.0.1.3680043.9.9.1
	[series]= [sop]= [date]=20260301 [time]=081530 [accession]=A1 [modality]=US [class]=1.2.840.10008.5.1.4.1.1.6.1 [number]=1
	[series_number]=1 [description]=TEST)
declare -A ICONV=([GB18030]=GB18030 [GBK]=GBK [ISO_IR 192]=UTF-8 [ISO_IR 100]=ISO-8859-1 [ASCII]=ASCII [BIG5]=BIG5)

make_object()
{
	local file=$1 key pixels i; shift
	declare -A o
	for key in "${!OBJECT_DEFAULT[@]}"; do o[$key]=${OBJECT_DEFAULT[$key]}; done
	for i in "$@"; do o[${i%%=*}]=${i#*=}; done
	[ -n "${o[series]}" ] || o[series]=${o[study]}.${o[series_number]}
	[ -n "${o[sop]}" ] || o[sop]=${o[series]}.${o[number]}
	pixels=$(for i in $(seq 64); do printf '%02x\\' $(((i + o[number]) % 256)); done)
	iconv -f UTF-8 -t "${ICONV[${o[written]:-${o[charset]:-ASCII}}]}" > "$file.dump" <<-DUMP
	(0008,0005) CS [${o[charset]}]
	(0008,0016) UI [${o[class]}]
	(0008,0018) UI [${o[sop]}]
	(0008,0020) DA [${o[date]}]
	(0008,0030) TM [${o[time]}]
	(0008,0050) SH [${o[accession]}]
	(0008,0060) CS [${o[modality]}]
	(0008,1030) LO [${o[description]}]
	(0010,0010) PN [${o[name]}]
	(0010,0020) LO [${o[id]}]
	(0010,0030) DA [${o[birth]}]
	(0010,0040) CS [${o[sex]}]
	(0020,000d) UI [${o[study]}]
	(0020,000e) UI [${o[series]}]
	(0020,0011) IS [${o[series_number]}]
	(0020,0013) IS [${o[number]}]
	(0028,0002) US 1
	(0028,0004) CS [MONOCHROME2]
	(0028,0010) US 8
	(0028,0011) US 8
	(0028,0100) US 8
	(0028,0101) US 8
	(0028,0102) US 7
	(0028,0103) US 0
	(7fe0,0010) OB ${pixels%\\}
	DUMP
	dump2dcm -q +te "$file.dump" "$file" && rm "$file.dump"
}

# dataset_bytes FILE   what follows group 0002
dataset_bytes()
{
	python3 -c '
import struct, sys
b = open(sys.argv[1], "rb").read()
sys.stdout.buffer.write(b[144 + struct.unpack("<I", b[140:144])[0]:])' "$1"
}
# syntax_of FILE   its transfer syntax UID
syntax_of() { dcmdump -q -Un +P 0002,0010 "$1" | sed 's/.*\[\(.*\)\].*/\1/; s/.*=\([^ ]*\) .*/\1/'; }
# elements FILE   each element but group 0002, sequence lengths left out; of the pixel data the bytes, for their VR
# depends on the syntax
elements()
{
	local raw; raw=$(mktemp -d "$T/raw.XXXXXX")
	dcmdump -q -Un +L +W "$raw" "$1" | grep -av '^$\|^# \|^(0002,\|^(7fe0,0010)' | sed 's/ *#.*//'
	cat "$raw"/*.raw | md5sum
}
