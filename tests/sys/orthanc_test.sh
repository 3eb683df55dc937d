#!/bin/bash
# Storage commitment with an independent peer, Orthanc: it confirms what we sent, and we confirm what it sent.
. "$(dirname "$0")/../lib/sys.sh"

FILE=/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm
ORTHANC=$(command -v Orthanc || ls /usr/sbin/Orthanc 2>/dev/null)
[ -n "$ORTHANC" ] || { skip "storage commitment with Orthanc" "the package orthanc is not installed"; done_testing; }
PORT[orthanc]=$(free_port)
PORT[http]=$(free_port)
start_node county county "retry_min = 1
retry_max = 1
node \"orthanc\" {
 aet = ORTHANC
 host = \"127.0.0.1\"
 port = ${PORT[orthanc]}
}
node \"ct\" {
 aet = CT1
}
route \"up\" {
 action = forward
 to = orthanc
 calling = CT1
}" || { not_ok "the node starts"; done_testing; }
cat > "$T/orthanc.json" <<END
{ "Name": "t", "DicomAet": "ORTHANC", "DicomPort": ${PORT[orthanc]}, "HttpPort": ${PORT[http]}, "RemoteAccessAllowed": false,
  "AuthenticationEnabled": false, "StorageDirectory": "$T/orthanc", "IndexDirectory": "$T/orthanc", "Plugins": [],
  "DicomModalities": { "county": [ "COUNTY", "127.0.0.1", ${PORT[county]} ] } }
END
"$ORTHANC" "$T/orthanc.json" > "$T/orthanc.log" 2>&1 & PID[orthanc]=$!
http() { python3 -c 'import sys, urllib.request
print(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%s%s" % (sys.argv[1], sys.argv[2]), sys.argv[3].encode() if len(sys.argv) > 3 else None), timeout=10).read().decode())' "${PORT[http]}" "$@"; }
wait_for 20 'http /system' || { not_ok "Orthanc starts" "$(tail -5 "$T/orthanc.log")"; done_testing; }
jobs() { pacs county --json queue list --state "$1" --to orthanc --limit 100 | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }

# ---- we ask ----
check "five images are stored" "$TOOLS/load" --port "${PORT[county]}" --called COUNTY --calling CT1 --count 5 --per-study 5 "$FILE"
check "Orthanc gets them, and confirms all of them on an association of its own" wait_for 30 '[ "$(jobs confirmed)" = 5 ]'

# ---- it asks ----
SERIES=$(http /series | python3 -c 'import json, sys; print(json.load(sys.stdin)[0])')
LINK=$(http /modalities/county/storage-commitment "{\"Resources\":[\"$SERIES\"]}" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Path"])')
report() { http "$LINK" | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["Status"], len(d.get("Success", [])), len(d.get("Failures", [])))'; }
check "it asks us for the same images, and hears success" wait_for 20 '[ "$(report)" = "Success 5 0" ]'
LINK=$(http /modalities/county/storage-commitment '{"DicomInstances":[{"SOPClassUID":"1.2.840.10008.5.1.4.1.1.2","SOPInstanceUID":"1.2.3.4"}]}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["Path"])')
check "for one that we do not have it hears failure" wait_for 20 '[ "$(report)" = "Failure 0 1" ]'
done_testing
