#!/bin/bash
# Everything about pixels that is measured: the reversible codecs and the worker beside the bare libraries, pictures, and
# compression beside receiving. Ten minutes or so on a machine that has nothing else to do.
#
#   pixels_bench.sh [FOLDER]     with real DR and ultrasound in FOLDER/dr and FOLDER/us, they are measured too
#                                (default: $PACS_TEST_DATA or ../shared/data)
. "$(dirname "$0")/../lib/sys.sh"
HERE=$(dirname "$0") DATA=${1:-${PACS_TEST_DATA:-$ROOT/../shared/data}} RUNS=15
joined() { local IFS=,; echo "$*"; }
bench() { "$TOOLS/codec_bench" --worker "$BIN/xcode-worker" "$@" || exit 1; }

"$TOOLS/phantom" --out "$T/in" --set demo --seed 3 >/dev/null && "$TOOLS/phantom" --out "$T/in" --set bench --seed 3 >/dev/null || exit 1
sets=("DR phantoms=$T/in/dr_chest.dcm,$T/in/bench_dr.dcm" "ultrasound phantoms=$T/in/us_still.dcm,$T/in/bench_us.dcm")
printf 'set\tcodec\tbytes of samples\tratio\tencode MB/s of a core\tdecode MB/s of a core\tlibrary MB/s\tworker MB/s\t%% of the library\tverification MB/s\n'
for s in "${sets[@]}"; do bench --runs $RUNS "$s"; done
[ -d "$DATA/dr" ] && bench --runs 3 "real DR=$(joined "$DATA"/dr/*.dcm)"
[ -d "$DATA/us" ] && bench --runs 3 "real ultrasound=$(joined "$DATA"/us/*.dcm "$DATA"/us/*/*.dcm)"
"$HERE/render_bench.sh" && "$HERE/backlog_bench.sh"
