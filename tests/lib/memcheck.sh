#!/usr/bin/env bash
# memcheck.sh PROGRAM...   each under valgrind: no wrong access, and nothing definitely lost
#
# tests/lib/memcheck.sh TEST...        the tests of the rooms
# tests/lib/memcheck.sh --storescp     a storescp takes three images and is ended by SIGTERM
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
export T_SLOWED=1
memcheck=(valgrind -q --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99
	--suppressions=tests/lib/memcheck.supp)
if [ "${1:-}" != --storescp ]; then exec prove --timer --exec "${memcheck[*]}" "$@"; fi

. tests/lib/sys.sh
. tests/lib/objects.sh
make_node n clinic 'accept = any'
for i in 1 2 3; do make_object "$T/$i.dcm" number=$i; done
"${memcheck[@]}" "$BIN/storescp" -C "$T/n" 2> "$T/log" &
PID[n]=$!
wait_for 60 "echoscu -aec N 127.0.0.1 ${PORT[n]}" && ok "storescp answers under valgrind" || not_ok "storescp answers under valgrind" "$(cat "$T/log")"
check "it takes three images" storescu -aec N 127.0.0.1 "${PORT[n]}" "$T"/[123].dcm
check_exit 1 "and breaks off what is no DICOM" python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.sendall(b"GET / HTTP/1.0\r\n\r\n"); s.settimeout(30)
while s.recv(4096): pass
sys.exit(1)' "${PORT[n]}"
stop_node n
is $? 0 "it ends on SIGTERM with no wrong access and nothing lost"
grep '^==' "$T/log" | sed 's/^/# /'
done_testing
