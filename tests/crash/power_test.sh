#!/usr/bin/env bash
# A few power cuts at drawn moments, and two disks that lie about their syncs: those must be found out.
. "$(dirname "$0")/../power/power_nodes.sh"
chain_image || { not_ok "a phantom is made"; done_testing; }
power_cuts "nothing acknowledged is lost in a power cut, nor when the repair after it is cut" --rounds 2 --trials 5 --images 40
power_cuts "... nor where images are compressed in their place" --recoded --trials 4 --images 30
power_finds "a disk that does not sync files is found out" --trials 20 --images 40 --lie file
power_finds "a disk that does not sync folders is found out" --trials 20 --images 40 --lie dir
done_testing
