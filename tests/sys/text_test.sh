#!/bin/bash
# Text as it is found in the field: false and missing declarations, names by pinyin and initials, answers in the set that
# the asking node wants, and what `pacs check text` tells of it.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/lib/objects.sh"

S=1.2.826.0.1.3680043.9.8
mkdir "$T/in"
# object NUMBER KEY=VALUE...   of study $S.NUMBER, patient PNUMBER
object() { local n=$1; shift; make_object "$T/in/$n.dcm" id=P$n study=$S.$n number=1 "$@"; }
object 1 'charset=ISO_IR 100' written=GBK name='张^三' description='胸部正位'
object 2 charset= written=GBK name='单田芳' description='腹部彩超'
object 3 charset= 'written=ISO_IR 192' name='王小东' description='头颅CT平扫'
object 4 charset=GB18030 name='LI^SI=李^四'
object 5 'charset=ISO_IR 192' written=GB18030 name='昞^𠀀' description='第一人民医院'
object 6 'charset=ISO_IR 100' name='Müller^Jörg'
object 7 charset= name='ZHANG^SAN'
object 8 charset=GB18030 'written=ISO_IR 192' name='欧阳修' description='县人民医院'

node() { printf 'node "%s" {\n aet = "%s"\n%s\n}\n' "$1" "$1" "$2"; }
start_node county county "accept = any
$(node GBCT 'charset = "GB18030"')
$(node PLAIN '')
$(node IR58 'charset = "\\\\ISO 2022 IR 58"')" || { not_ok "the node starts"; done_testing; }
AT="127.0.0.1 ${PORT[county]}"
send() { local aet=$1 f args=(); shift; for f in "$@"; do args+=("$T/in/$f.dcm"); done; storescu -aet "$aet" -aec COUNTY $AT "${args[@]}"; }
check "objects of a device that says Latin-1 and sends GBK" send LATINCT 1 6
check "of one with a node section that says GB18030" send GBCT 2
check "of one that says nothing" send PLAIN 3 4 7
check "of one that says UTF-8 and GB18030 the wrong way round" send MIXED 5 8

# ---- what was stored ----
names() { pacs county --json study list "$@" | python3 -c 'import json, sys; print(" ".join(sorted(s["patient_name"] for s in json.load(sys.stdin))))'; }
is "$(names)" "LI^SI=李^四 Müller^Jörg ZHANG^SAN 单田芳 张^三 昞^𠀀 欧阳修 王小东" "every name is read, whatever was declared"
for n in 1 2 5 8; do
	f=$(grep -rlaF "$S.$n.1.1" "$T/county/store" | head -1)
	cmp -s <(dataset_bytes "$T/in/$n.dcm") <(dataset_bytes "$f") && ok "object $n is kept as it came" || not_ok "object $n is kept as it came" "$f"
done

# ---- by sound ----
is "$(names --patient-name zhangsan)" "ZHANG^SAN 张^三" "study list by pinyin"
is "$(names --patient-name 'zhang san')" "ZHANG^SAN 张^三" "by pinyin with a blank"
is "$(names --patient-name zs)" "ZHANG^SAN 张^三" "by initials"
is "$(names --patient-name 張三)" "ZHANG^SAN 张^三" "by traditional characters, also who is stored in letters"
is "$(names --patient-name 'ZHANG^SAN')" "ZHANG^SAN 张^三" "as a name in letters"
is "$(names --patient-name 'shan*')" "单田芳" "a family name has its own reading"
is "$(names --patient-name ouyangxiu)" "欧阳修" "so has one of two characters"
is "$(names --patient-name '*bing*')" "昞^𠀀" "a character of GBK"

# find SET KEY...   the answers of C-FIND to $T/rsp; values in UTF-8, asked in SET
find()
{
	rm -rf "$T/rsp"; mkdir "$T/rsp"
	local set=$1 args=() k; shift
	for k in "$@"; do args+=(-k "$(printf %s "$k" | iconv -f UTF-8 -t "${ICONV[$set]}")"); done
	[ "$set" = ASCII ] || args+=(-k "SpecificCharacterSet=$set")
	findscu -S -aet "${CALLING:-PLAIN}" -aec COUNTY -X -od "$T/rsp" $AT -k QueryRetrieveLevel=STUDY -k StudyInstanceUID "${args[@]}" > "$T/said" 2>&1
}
# uids   of the answers, their last numbers
uids() { for f in "$T"/rsp/*; do [ -e "$f" ] && dcmdump -q -Un +P 0020,000d "$f"; done 2>/dev/null | sed -n 's/.*\[.*\.\(.*\)\].*/\1/p' | sort | tr '\n' ' ' | sed 's/ $//'; }
charset() { for f in "$T"/rsp/*; do dcmdump -q -Un +P 0008,0005 "$f"; done 2>/dev/null | sed -n 's/.*\[\(.*\)\].*/\1/p' | sort -u; }
bytes_of_name() { for f in "$T"/rsp/*; do dcmdump -q -Un +P 0010,0010 "$f"; done | LC_ALL=C sed 's/.*\[\(.*\)\].*/\1/' | tr -d '\n' | od -An -tx1 | tr -d ' \n'; }
for key in zhangsan 'zhang san' zs 'ZHANG^SAN' 'zhang s*' 'zh?ngsan'; do
	find ASCII "PatientName=$key"
	is "$(uids)" "1 7" "C-FIND by \"$key\""
done
for set in GB18030 'ISO_IR 192'; do
	find "$set" 'PatientName=张三'
	is "$(uids)" "1 7" "C-FIND by 张三 in $set finds 张^三, and who is stored in letters"
	find "$set" 'PatientName=张^三'
	is "$(uids)" "1 7" "by 张^三 in $set"
	find "$set" 'PatientName=昞*'
	is "$(uids)" "5" "by a name whose second byte is a backslash, in $set"
done

# ---- answers ----
find 'ISO_IR 192' 'PatientName=张^三'
is "$(charset)" "ISO_IR 192" "answers come in the set that is asked in"
CALLING=GBCT find 'ISO_IR 192' 'PatientName=王小东'
is "$(charset)" "GB18030" "or in the one of the asking node"
is "$(bytes_of_name)" "cdf5d0a1b6ab" "and are written in it"
CALLING=IR58 find 'ISO_IR 192' 'PatientName=王小东'
is "$(bytes_of_name)" "1b242941cdf5d0a1b6ab" "with escapes where it has them"
CALLING=IR58 find 'ISO_IR 192' 'PatientName=昞*'
is "$(charset) $(bytes_of_name)" "ISO_IR 192 e6989e5ef0a08080" "what it lacks comes in UTF-8, never as a question mark"

# ---- the report ----
pacs county --json check text > "$T/report"
value() { python3 -c '
import json, sys
s = {x["sender"]: x for x in json.load(open(sys.argv[1]))}[sys.argv[2]]
print(*[s[k] for k in sys.argv[3:]])' "$T/report" "$@"; }
is "$(value LATINCT studies objects right false undeclared by_detection)" "2 2 1 1 0 1" "the report counts false declarations"
is "$(value GBCT objects undeclared by_sender_default)" "1 1 1" "the sender's default"
is "$(value PLAIN objects ascii right undeclared by_detection)" "3 1 1 1 1" "missing ones, right ones and ASCII"
is "$(value MIXED objects false by_detection)" "2 2 2" "and detection"
case $(value LATINCT advice) in *'add a node'*'GB18030'*) ok "it says what to do for an unknown sender" ;; *) not_ok "it says what to do for an unknown sender" "$(value LATINCT advice)" ;; esac
case $(value PLAIN advice) in 'set charset = "ISO_IR 192" for node PLAIN'*) ok "and for a known one" ;; *) not_ok "and for a known one" "$(value PLAIN advice)" ;; esac
case $(value GBCT advice) in *'nothing to do'*) ok "and when that was done" ;; *) not_ok "and when that was done" "$(value GBCT advice)" ;; esac
check_says "several sets" "and for one that sends several" pacs county check text --sender MIXED
check_says "$S.3" "with an example" pacs county check text --sender PLAIN --since "$(date +%Y%m%d)"
is "$(pacs county check text --since 20990101)" "No objects." "nothing came after that day"
is "$(pacs county check text | grep -c '张\|ZHANG\|P1\b')" 0 "no name and no ID is in it"
check_exit 2 "a day that is none is refused" pacs county check text --since yesterday
check_exit 2 "what check does not know is refused" pacs county check texts

# ---- switched off ----
printf 'pinyin = no\n' >> "$T/county/pacs.conf"
check "the configuration is read again" pacs county reload
find ASCII 'PatientName=zhangsan'
is "$(uids)" "" "without pinyin a name is found as it is written only"
find ASCII 'PatientName=ZHANG^SAN'
is "$(uids)" "7" "as this one"
is "$(names --patient-name zs)" "" "study list too"
printf 'charset = "GB1803"\n' >> "$T/county/pacs.conf"
check_says 'no character set of DICOM' "check tells of a charset that does not exist" pacs county check
is "$(grep -c 'ZHANG\|P1\b\|张' "$T/county.log")" 0 "no name and no ID stands in the log"
done_testing
