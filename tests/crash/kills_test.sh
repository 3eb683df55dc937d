#!/usr/bin/env bash
# 200 random kills of the four programs of a clinic and a county under load.
. "$(dirname "$0")/../lib/sys.sh"
. "$ROOT/tests/crash/chain.sh"
chain_image || { not_ok "a phantom is made"; done_testing; }
chain_kills 200
done_testing
