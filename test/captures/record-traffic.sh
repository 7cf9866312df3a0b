#!/usr/bin/env bash
# Records real traffic between two network namespaces, for the tests to meter: test/captures/record-traffic.sh FILE.pcap
#
# TCP (HTTP, a larger transfer, refused ports), UDP (answered, unanswered, fragmented), ICMP and ICMPv6 (errors of the kernel, neighbour discovery,
# and echo where there is Python), IPv4 and IPv6. Needs root, iproute2 and tcpdump; nothing leaves the namespaces, which go with the processes.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
here=$(cd "$(dirname "$0")" && pwd)

if [ "${2:-}" != --inside ]; then exec unshare --net --mount -- "$0" "$(realpath -m "$1")" --inside; fi

file=$1
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
# No traffic but ours: the machine's own IPv6 chatter on new links stays, as on a real one.
ip link set lo up
unshare --net -- node "$here/traffic.mjs" serve &
server=$!
sleep 0.3
ip link add client type veth peer name server
ip link set server netns "$server"
# Packets as they are on a wire, not segments of 64 kB that the card would cut.
ip link set client gso_max_segs 1
nsenter --net="/proc/$server/ns/net" ip link set server gso_max_segs 1
ip address add 192.0.2.1/24 dev client
ip address add 2001:db8::1/64 dev client nodad
# tcpdump ends at once on an interface that is down. Nothing is sent yet: the other end of the cable is.
ip link set client up
tcpdump --immediate-mode -Z root -q -n -s 0 -U -i client -w "$file" 2>/dev/null &
dump=$!
for _ in $(seq 100); do
  if [ "$(wc -l </proc/net/packet)" -gt 1 ]; then break; fi
  sleep 0.05
done
inside() { nsenter --net="/proc/$server/ns/net" ip "$@"; }
inside link set lo up
inside address add 192.0.2.2/24 dev server
inside address add 2001:db8::2/64 dev server nodad
inside link set server up
sleep 0.7
node "$here/traffic.mjs" send
if command -v python3 >/dev/null; then python3 "$here/echo.py" 192.0.2.2 2001:db8::2; fi
sleep 0.3
kill -INT "$dump"
wait "$dump" || true
