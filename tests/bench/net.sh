# The loopback network as Debian 12 sets it up, whatever this machine has: for every program of a comparison alike.
#
#   . tests/bench/net.sh; own_net "$0" "$@"     starts the script again in a network namespace of its own, where that is needed and allowed
#   congestion_control                          what it runs with now
#
# BBR, for one, spaces what is sent by a clock: on loopback it measures the timer of the machine and not the programs.
# In the namespace the routes name cubic: a kernel may not allow it there as the default, and the machine's settings are not ours.
congestion_control() { echo "${PACS_BENCH_NET:-$(cat /proc/sys/net/ipv4/tcp_congestion_control)}"; }
own_net() {
	[ "$(congestion_control)" != cubic ] || return 0
	local enter='ip link set lo up && for a in 127.0.0.0/8 127.0.0.1; do
		ip route replace local $a dev lo table local proto kernel scope host src 127.0.0.1 congctl cubic || exit 1; done'
	if unshare --net sh -c "$enter" 2>/dev/null; then
		PACS_BENCH_NET=cubic exec unshare --net sh -c "$enter"' && exec "$@"' sh "$@"
	fi
	echo "bench: no network namespace can be made here: TCP runs with $(congestion_control), Debian has cubic" >&2
}
