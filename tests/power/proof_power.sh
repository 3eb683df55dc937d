#!/usr/bin/env bash
# The long form of tests/crash/power_test.sh: hundreds of cuts, the repair after a cut cut again, compression, and torn renames.
. "$(dirname "$0")/power_nodes.sh"
chain_image || { not_ok "a phantom is made"; done_testing; }
for round in 1 2 3 4; do power_cuts "nothing is lost in power cuts, run $round" --rounds 4 --trials 15 --images 60; done
for round in 1 2; do power_cuts "nothing is lost where images are compressed in their place, run $round" --recoded --rounds 2 --trials 20 --images 60; done
for round in 1 2; do power_cuts "nothing acknowledged is lost even when the two halves of a rename may be torn apart, run $round" --split --rounds 2 --trials 20 --images 60; done
power_finds "a disk that does not sync files is found out" --trials 30 --images 60 --lie file
power_finds "a disk that does not sync folders is found out" --trials 30 --images 60 --lie dir
done_testing
