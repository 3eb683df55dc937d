#!/bin/bash
# How long a picture takes: a DR of 3000 x 3000 samples of 16 bits, decoded, windowed and as a PNG of 1024 pixels, as a whole process
# and by steps, in each syntax that matters; DCMTK's dcmj2pnm beside it where it can. Best of five; milliseconds.
. "$(dirname "$0")/../lib/sys.sh"
SIDE=1024
"$TOOLS/phantom" --out "$T/in" --seed 7 >/dev/null
best() { python3 - "$@" <<'P'
import subprocess, sys, time
def once():
    t = time.monotonic()
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.monotonic() - t) * 1000
try:
    print("%.0f" % min(once() for _ in range(5)))
except subprocess.CalledProcessError:
    print("-")
P
}
printf '| syntax | viewer-cli show --png | header | decode | light | scale | PNG | --thumbnail 256 | dcmj2pnm |\n|---|---|---|---|---|---|---|---|---|\n'
for to in explicit htj2k j2k jpegls rle 1.2.840.10008.1.2.4.70; do
	if [ $to = explicit ]; then cp "$T/in/dr_chest.dcm" "$T/$to.dcm"; else "$TOOLS/convert" --worker "$BIN/xcode-worker" --to "$to" "$T/in/dr_chest.dcm" "$T/$to.dcm" >/dev/null; fi
	read -r header decode light scale png <<< "$("$TOOLS/render_compare" time "$T/$to.dcm" $SIDE)"
	printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$to" "$(best "$BIN/viewer-cli" show "$T/$to.dcm" --size ${SIDE}x$SIDE --png "$T/x.png")" \
		"$header" "$decode" "$light" "$scale" "$png" "$(best "$BIN/viewer-cli" show "$T/$to.dcm" --thumbnail 256 --png "$T/x.png")" \
		"$(best dcmj2pnm -q +Wi 1 +Sxv $SIDE +on "$T/$to.dcm" "$T/y.png")"
done
