#!/usr/bin/env bash
# viewer-cli pull against a node that is not ours (DCMTK's dcmqrscp), and when it is interrupted or out of space.
. "$(dirname "$0")/../lib/sys.sh"

"$TOOLS/phantom" --out "$T/images" --set bench >/dev/null
"$TOOLS/load" --expand "$T/images" --count 4 --per-study 4 "$(find "$T/images" -name '*dr*' | head -1)"
study=$(dcmdump -q +P StudyInstanceUID "$T/images/000000.dcm" | sed 's/.*\[\(.*\)\].*/\1/')
viewer() { "$BIN/viewer-cli" --node "127.0.0.1:$1" --called "$2" --calling READER "${@:3}"; }

# ---- DCMTK's archive, which leaves the SOP class out of its answers ----
port=$(free_port)
check_says "connection refused" "a node that does not run is named" viewer "$port" QR pull --study "$study" -o "$T/none"
mkdir "$T/qr"
cat > "$T/qr.cfg" <<C
NetworkTCPPort = $port
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QR $T/qr RW (200, 1024mb) ANY
AETable END
C
dcmqrscp -c "$T/qr.cfg" > "$T/qr.log" 2>&1 &
PID[qr]=$!
wait_for 10 "echoscu -aec QR 127.0.0.1 $port"
storescu -aec QR 127.0.0.1 "$port" "$T"/images/00000*.dcm || not_ok "dcmqrscp takes four images"
check_says "keeps no work list" "a node without a work list is told from one that fails" viewer "$port" QR list
check "a study comes from dcmqrscp" viewer "$port" QR pull --study "$study" -o "$T/out"
is "$(ls "$T/out" | grep -c '\.dcm$')" 4 "with its four images"
check_says "has no images" "a study that is not there is named" viewer "$port" QR pull --study 1.2.3.4 -o "$T/none"
kill "${PID[qr]}"; wait "${PID[qr]}" 2>/dev/null; unset "PID[qr]"

# ---- ours: interrupted, and out of space ----
start_node n county 'accept = any' || { not_ok "the node starts"; done_testing; }
storescu -aec N 127.0.0.1 "${PORT[n]}" "$T"/images/00000*.dcm || not_ok "the node takes four images"
# Stopped at the first sight of a file under way; the shell's background jobs ignore SIGINT, so it is given back.
python3 - "$T/cut" "$BIN/viewer-cli" --node "127.0.0.1:${PORT[n]}" --called N --calling READER pull --study "$study" -o "$T/cut" <<'P'
import os, signal, subprocess, sys, time
def default(): signal.signal(signal.SIGINT, signal.SIG_DFL)
p = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, preexec_fn=default)
deadline = time.monotonic() + 10
while p.poll() is None and time.monotonic() < deadline and not (os.path.isdir(sys.argv[1]) and any(f.endswith(".part") for f in os.listdir(sys.argv[1]))):
    pass
p.send_signal(signal.SIGINT)
sys.exit(0 if p.wait() == -signal.SIGINT else 1)
P
is $? 0 "Ctrl-C ends a pull"
is "$(ls "$T/cut" | grep -c part)" 0 "and leaves nothing half-written"
bash -c "trap '' XFSZ; ulimit -f 2000; exec '$BIN/viewer-cli' --node 127.0.0.1:${PORT[n]} --called N --calling READER pull --study $study -o $T/full" > "$T/full.out" 2>&1
code=$?
is $code 1 "a pull without space fails"
is "$(ls "$T/full" 2>/dev/null | wc -l)" 0 "and leaves nothing half-written"
note "$(cat "$T/full.out")"
done_testing
