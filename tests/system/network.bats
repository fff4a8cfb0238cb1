#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# network.bats - the network of one container: modes, addresses, names, and what is said when it fails

load helpers

setup_file() {
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "/dev/net/tun cannot be opened here"
}

# A file server on the host's loopback; sets port.
serve() {
	python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work" >"$work/http" 2>&1 3>&- &
	server=$!
	local i
	for i in $(seq 50); do
		port=$(sed -nE 's/.* port ([0-9]+) .*/\1/p' "$work/http")
		[ -n "$port" ] && return
		sleep 0.1
	done
	return 1
}

network_helpers() {
	pgrep -u "$(id -u)" -f "^guscio-net: $1" || true
}

@test "by default: eth0 with an address of each family, gateway, resolver, and names for the host" {
	run -0 "$GUSCIO" run "$root" sh -c 'ip -o addr show eth0; ip route; ip -6 route; cat /etc/resolv.conf /etc/hosts; hostname'
	[[ $output == *"10.0.2.100/24"*"fd00::100/64"* ]]
	[[ $output == *"default via 10.0.2.2 dev eth0"*"default via fd00::2 dev eth0"* ]]
	[[ $output == *"nameserver 10.0.2.3"* ]]
	[[ $output == *"10.0.2.2"*"host.containers.internal host.docker.internal"* ]]
	[[ $output == *"10.0.2.100"$'\t'"${lines[-1]}"* ]]
	run -0 "$GUSCIO" run "$root" cat /sys/class/net/eth0/mtu
	[ "$output" = 65520 ]
}

@test "none is loopback alone; host is the host's; both start no helper" {
	run -0 "$GUSCIO" run --network none "$root" sh -c 'ls /sys/class/net; cat /etc/resolv.conf; ping -c1 127.0.0.1 >/dev/null && echo up'
	[ "${lines[*]}" = "lo up" ]
	# However the ids are made, /sys shows this network, and the program is the second process.
	for ids in single auto; do
		run -0 "$GUSCIO" run --userns=$ids --network none "$root" sh -c 'echo $$; ls /sys/class/net; touch /proc/sys/net/ipv4/ip_forward 2>/dev/null || echo read-only'
		[ "$output" = $'2\nlo\nread-only' ]
	done
	run -0 "$GUSCIO" run --network host "$root" sh -c 'ls /sys/class/net'
	[ "$output" = "$(ls /sys/class/net)" ]
	run -0 "$GUSCIO" run --network none --explain "$root" true
	[[ $output != *guscio-net* ]]
}

@test "options: MTU, subnet, no IPv6, addresses of one's own" {
	run -0 "$GUSCIO" run --network slirp:mtu=1500,cidr=192.168.77.0/28,ipv6=false --mac-address 02:00:00:00:00:07 "$root" \
		sh -c 'cat /sys/class/net/eth0/mtu /sys/class/net/eth0/address; ip -o addr show eth0; ip route'
	[ "${lines[0]}" = 1500 ]
	[ "${lines[1]}" = 02:00:00:00:00:07 ]
	[[ $output == *"192.168.77.4/28"*"default via 192.168.77.2"* ]]
	[[ $output != *inet6* ]]
	run -0 "$GUSCIO" run --ip 10.0.2.200 --ip6 fd00::77 @host sh -c 'ip -o addr show eth0; ping -c1 -W2 10.0.2.2 >/dev/null && ping -c1 -W2 fd00::2 >/dev/null && echo both'
	[[ $output == *"10.0.2.200/24"*"fd00::77/64"*both* ]]
	# The names of others mean the same.
	run -0 "$GUSCIO" run --network slirp4netns:mtu=9000,enable_ipv6=false "$root" cat /sys/class/net/eth0/mtu
	[ "$output" = 9000 ]
	run -0 "$GUSCIO" run --net bridge "$root" cat /sys/class/net/eth0/mtu
	[ "$output" = 65520 ]
}

@test "wrong options are named, and nothing starts" {
	local words
	while read -r words; do
		# shellcheck disable=SC2086
		run -125 "$GUSCIO" run $words "$root" true
		assert_one_line
	done <<-'END'
		--network slirp:mtu=67
		--network slirp:mtu=65522
		--network slirp:mtu=576
		--network slirp:cidr=10.0.0.0/31
		--network slirp:speed=9
		--network slirp:ipv6=false --ip6 fd00::9
		--network slirp:outbound=no-such-device
		--network none:mtu=1500
		--network none --ip 10.0.2.9
		--network host --mac-address 02:00:00:00:00:01
		--ip 10.0.3.9
		--ip 10.0.2.2
		--ip 10.0.2.255
		--ip6 fe80::1
		--mac-address 01:00:00:00:00:01
		--dns example.com
		--dns none --dns 9.9.9.9
		--dns-search a/b
		--network none --add-host me:host-gateway
		--network-alias x
	END
	assert_nothing_left
}

@test "the host's loopback is reached through the gateway only when that is allowed" {
	serve
	echo hello >"$work/file"
	run ! "$GUSCIO" run @host curl -s -m5 "http://host.containers.internal:$port/file"
	run -0 "$GUSCIO" run --network slirp:host-loopback=true @host curl -s -m5 "http://host.containers.internal:$port/file"
	[ "$output" = hello ]
	run -0 "$GUSCIO" run --network slirp:allow_host_loopback=true --add-host me:host-gateway @host curl -s -m5 "http://me:$port/file"
	[ "$output" = hello ]
	# The container's own loopback is its own.
	run ! "$GUSCIO" run --network slirp:host-loopback=true @host curl -s -m5 "http://127.0.0.1:$port/file"
	kill "$server"
}

@test "resolv.conf: resolvers, search list and options of the command line" {
	run -0 "$GUSCIO" run --dns 192.0.2.53 --dns fd00::53 --dns-search corp.example --dns-option ndots:3 "$root" cat /etc/resolv.conf
	[ "${lines[0]}" = "nameserver 192.0.2.53" ]
	[ "${lines[1]}" = "nameserver fd00::53" ]
	[ "${lines[2]}" = "search corp.example" ]
	[ "${lines[3]}" = "options ndots:3" ]
	run -0 "$GUSCIO" run --dns none --dns-search . "$root" cat /etc/resolv.conf
	[[ $output != *nameserver* && $output == *"search ."* ]]
	run -0 "$GUSCIO" run --network host --dns 192.0.2.53 "$root" cat /etc/resolv.conf
	[ "${lines[0]}" = "nameserver 192.0.2.53" ]
	run -0 "$GUSCIO" run --network host "$root" cat /etc/resolv.conf
	[ "$output" = "$(grep -v '^$' /etc/resolv.conf)" ]
	# A file of the user's own is left alone.
	echo "nameserver 192.0.2.99" >"$work/mine"
	run -0 "$GUSCIO" run -v "$work/mine:/etc/resolv.conf:ro" "$root" cat /etc/resolv.conf
	[ "$output" = "nameserver 192.0.2.99" ]
}

@test "a resolv.conf of the root that leads to a device, a directory or nowhere stays: a note says so" {
	local target
	for target in /dev/null /proc/self/mounts /etc/resolv.conf /etc /proc/1/root/x; do
		ln -sfn "$target" "$root/etc/resolv.conf"
		run -0 "$GUSCIO" run "$root" sh -c 'readlink /etc/resolv.conf; [ -c /dev/null ]'
		[ "${#lines[@]}" -eq 2 ]
		[[ $output == *"'/etc/resolv.conf' in the root leads to no file of it: it stays as it is"* ]]
		[ "$(printf '%s\n' "${lines[@]}" | grep -v guscio)" = "$target" ]
	done
	# A link of the usual kind is followed inside the root.
	ln -sfn ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
	run -0 "$GUSCIO" run "$root" cat /etc/resolv.conf
	[[ $output == *"nameserver 10.0.2.3"* ]]
}

@test "low ports and ping are everybody's inside" {
	run -0 "$GUSCIO" run -u alice "$root" sh -c 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start; id -u'
	[ "${lines[0]}" = 0 ]
	run -0 "$GUSCIO" run --userns=keep-id --cap-drop all @host sh -c 'id -u; ping -c1 -W2 10.0.2.2 >/dev/null && echo pong'
	[[ $output == *pong* ]]
	run -0 "$GUSCIO" run --sysctl net.ipv4.ip_unprivileged_port_start=1024 "$root" cat /proc/sys/net/ipv4/ip_unprivileged_port_start
	[ "$output" = 1024 ]
}

@test "a ping that the host forbids, and a port where nobody listens, fail at once" {
	run -0 "$GUSCIO" run @host sh -c 'date +%s%N >/tmp/a; ping -c1 -W3 192.0.2.77 >/tmp/ping 2>&1; curl -s -m3 http://10.0.2.2:1/ >/dev/null; date +%s%N >/tmp/b; echo $((($(cat /tmp/b) - $(cat /tmp/a)) / 1000000)); cat /tmp/ping'
	if [[ $output != *"1 received"* ]]; then
		[ "${lines[0]}" -lt 2500 ] || { echo "$output"; return 1; }
		# The reason, as ping words it.
		[[ $output == *"Packet filtered"* || $(sysctl -n net.ipv4.ping_group_range) != "1"*"0" ]]
	fi
}

@test "without tun: a word for the default, an error where the network was asked for" {
	# A user namespace in which /dev has no net/tun.
	local without='mount -t tmpfs none /dev/net && exec "$@"'
	unshare -Urm sh -c "$without" sh true || skip "no user namespace to hide /dev/net in"
	run -0 unshare -Urm sh -c "$without" sh "$GUSCIO" run --userns=single "$root" ls /sys/class/net
	[[ $output == *"no network"*"/dev/net/tun"* ]]
	[[ $output == *lo* && $output != *eth0* ]]
	run -0 unshare -Urm sh -c "$without" sh "$GUSCIO" run --userns=single --network none "$root" true
	[ -z "$output" ]
	run -125 unshare -Urm sh -c "$without" sh "$GUSCIO" run --userns=single --network slirp "$root" true
	assert_one_line
	[[ $output == *modprobe* ]]
}

@test "the helper ends with its container, whoever was killed; killed itself, the container hears of it" {
	local id starter
	# The program ends.
	"$GUSCIO" run "$root" true
	# The starter is killed.
	"$GUSCIO" run --name victim "$root" sh -c 'hostname; sleep 60' >"$work/id" 2>&1 3>&- &
	starter=$!
	until grep -q victim "$work/id"; do sleep 0.1; done
	id=$(ls "$XDG_RUNTIME_DIR/guscio" | grep -E '^[0-9a-f]{64}$' | cut -c1-12)
	[ -n "$(network_helpers "$id")" ]
	kill -9 $starter
	for _ in $(seq 50); do [ -z "$(network_helpers "$id")" ] && break; sleep 0.1; done
	[ -z "$(network_helpers "$id")" ]
	# The helper is killed: the device stays, without carrier.
	"$GUSCIO" run --name orphan @host sh -c 'echo ready; while [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do sleep 0.1; done; echo down; ip -o -4 addr show eth0; exit 7' >"$work/out" 2>&1 3>&- &
	starter=$!
	until grep -q ready "$work/out"; do sleep 0.1; done
	id=$(readlink "$XDG_RUNTIME_DIR/guscio/names/orphan" | cut -c1-12)
	kill -9 "$(network_helpers "$id")"
	local status=0
	wait $starter || status=$?
	[ $status -eq 7 ]
	grep -q down "$work/out"
	grep -q 10.0.2.100 "$work/out"
	grep -q "lost its network" "$work/out"
}

@test "guscio in guscio: the inner container has a network, through the outer one, and nothing is left" {
	local build
	build=$(cd "${GUSCIO%/*}" && pwd)
	serve
	echo hello >"$work/file"
	# The same addresses on both levels are no trouble: each helper knows only its own.
	run -0 "$GUSCIO" run --name outer --nest --network slirp:host-loopback=true -v "$build:$build" @host sh -c "
		$build/guscio run @host sh -c 'ip -o -4 addr show eth0; ping -q -c1 -W2 10.0.2.2 | grep received' &&
		$build/guscio run --network slirp:cidr=10.9.9.0/24 @host sh -c 'ip -o -4 addr show eth0; curl -s -m9 http://10.0.2.2:$port/file' &&
		$build/guscio network create inner && $build/guscio run --network inner @host sh -c 'getent hosts \$(hostname); curl -s -m9 http://10.0.2.2:$port/file' &&
		for i in 1 2 3 4 5 6 7 8 9; do pgrep -f '^guscio-net' || break; sleep 0.2; done; ls -A /dev/shm/guscio-0"
	[[ $output == *"10.0.2.100/24"*"1 received"*"10.9.9.100/24"*"hello"*"inner"*"10.89."*"hello"* ]]
	[[ ${lines[-1]} != [0-9]* && $output != *"no network"* ]]
	kill "$server"
	[ -z "$(network_helpers outer)" ]
}

@test "a container that joins another's network has its addresses and its resolver" {
	"$GUSCIO" run --name first --network slirp:cidr=10.7.7.0/24 "$root" sh -c 'echo ready; sleep 60' >"$work/out" 2>&1 3>&- &
	local starter=$!
	until grep -q ready "$work/out"; do sleep 0.1; done
	run -0 "$GUSCIO" run --network container:first "$root" sh -c 'ip -o -4 addr show eth0; cat /etc/resolv.conf'
	[[ $output == *"10.7.7.100/24"*"nameserver 10.7.7.3"* ]]
	kill $starter
	wait $starter || true
}

@test "a document keeps the network: spec prints it, --bundle runs it; others' documents get an empty one" {
	mkdir -p "$work/bundle"
	"$GUSCIO" spec --network slirp:mtu=1500 --dns 192.0.2.5 --dns-search a.example --add-host me:host-gateway "$root" \
		sh -c 'cat /sys/class/net/eth0/mtu; cat /etc/resolv.conf; grep me /etc/hosts' >"$work/bundle/config.json"
	run -0 "$GUSCIO" run --bundle "$work/bundle"
	[ "${lines[0]}" = 1500 ]
	[[ $output == *"nameserver 192.0.2.5"*"search a.example"*"10.0.2.2"*me* ]]
	jq 'del(.annotations) | .process.args = ["ls", "/sys/class/net"]' "$work/bundle/config.json" >"$work/bundle/plain"
	mv "$work/bundle/plain" "$work/bundle/config.json"
	run -0 "$GUSCIO" run --bundle "$work/bundle"
	[ "$output" = lo ]
}

@test "the way out may be chosen: the server sees that address" {
	local at
	python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True)
while True:
    c, peer = s.accept(); c.sendall(peer[0].encode()); c.close()' >"$work/port" 3>&- &
	server=$!
	until [ -s "$work/port" ]; do sleep 0.1; done
	for at in 127.0.0.1 127.0.0.2; do
		run -0 "$GUSCIO" run --network slirp:host-loopback=true,outbound=$at @host \
			bash -c "cat </dev/tcp/10.0.2.2/$(cat "$work/port")"
		[ "$output" = $at ]
	done
	run -0 "$GUSCIO" run --network slirp:host-loopback=true,outbound=lo @host \
		bash -c "cat </dev/tcp/10.0.2.2/$(cat "$work/port")"
	[ "$output" = 127.0.0.1 ]
	kill $server
}
