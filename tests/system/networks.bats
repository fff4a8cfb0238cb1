#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# networks.bats - named networks: containers that reach each other

load helpers

setup_file() {
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "/dev/net/tun cannot be opened here"
}

teardown() {
	end_all
	"$GUSCIO" rm -f web 2>/dev/null || true
	remove_all
}

# A container that stays until it is told: in_background NAME ARGUMENTS...
in_background() {
	local name=$1
	shift
	"$GUSCIO" run --name "$name" "$@" >"$work/$name.log" 2>&1 3>&- &
	pids+=($!)
	local i
	for i in $(seq 100); do
		grep -q ready "$work/$name.log" && return
		sleep 0.1
	done
	cat "$work/$name.log"
	return 1
}

end_all() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	pids=()
}

# One that takes a connection for each number and reads so many seconds later; sets $port.
serve_late() { # seconds...
	python3 "$BATS_TEST_DIRNAME/netpeer.py" late "$@" >"$work/late" 3>&- &
	pids+=($!)
	soon test -s "$work/late"
	port=$(head -1 "$work/late")
}

late_said() { # lines
	[ "$(wc -l <"$work/late")" -ge "$1" ]
}

# A server on port 80 that says who asks.
server='import http.server, socket
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = ("peer " + self.client_address[0] + "\n").encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *a): pass
http.server.HTTPServer.address_family = socket.AF_INET6
s = http.server.HTTPServer(("::", 80), H)
print("ready", flush=True)
s.serve_forever()'

members() {
	"$GUSCIO" network inspect "$1" | jq '.[0].containers | length'
}

await_members() { # network, count
	local i
	for i in $(seq 50); do
		[ "$(members "$1")" = "$2" ] && return
		sleep 0.1
	done
	return 1
}

@test "create, ls, inspect, rm: docker's words, a free subnet each, names only once" {
	run -0 "$GUSCIO" network create --label team=blue back
	[ "$output" = back ]
	run -0 "$GUSCIO" network create --ipv6 front
	run -125 "$GUSCIO" network create back
	assert_one_line
	run -0 "$GUSCIO" network ls
	[[ ${lines[0]} == "NETWORK ID"*"NAME"*"DRIVER"* ]]
	[[ ${lines[1]} == *back*bridge*10.89.* && ${lines[2]} == *front*bridge*10.89.* ]]
	run -0 "$GUSCIO" network ls --filter label=team=blue -q
	[ "$output" = back ]
	run -0 "$GUSCIO" network ls --format '{{.Name}} {{.Driver}}'
	[ "${lines[1]}" = "front bridge" ]
	run -0 bash -c "'$GUSCIO' network inspect front back | jq -r '.[] | .name, .ipv6_enabled, (.subnets | length), .driver'"
	[ "${lines[*]}" = "front true 2 bridge back false 1 bridge" ]
	[ "$("$GUSCIO" network inspect --format '{{.id}}' "$("$GUSCIO" network ls --no-trunc --format '{{.ID}}' | head -1)")" = \
		"$("$GUSCIO" network inspect --format '{{.id}}' back)" ]
	run -0 "$GUSCIO" network rm back
	run -125 "$GUSCIO" network inspect back
	assert_one_line
	run -0 "$GUSCIO" network prune
	[ "$output" = front ]
	[ -z "$("$GUSCIO" network ls -q)" ]
	[ ! -e "$XDG_RUNTIME_DIR/guscio/networks/front" ]
}

@test "bad words: one line each, and nothing is made" {
	local words
	while read -r words; do
		# shellcheck disable=SC2086
		run -125 "$GUSCIO" network $words
		assert_one_line
	done <<-'END'
		create
		create a/b
		create none
		create slirp
		create --subnet 10.0.0.0 x
		create --subnet 10.0.0.0/30 x
		create --subnet fd00::/48 x
		create --subnet 127.0.0.0/8 x
		create --subnet 10.77.0.0/24 --gateway 10.78.0.1 x
		create --driver overlay x
		create --subnet 224.0.0.0/24 x
		create --subnet 0.0.0.0/8 x
		create --subnet fe80::/64 x
		create --subnet 10.77.0.0/24 --subnet 10.78.0.0/24 x
		create --subnet 10.77.0.0/24 --gateway 10.77.0.0 x
		create --subnet 10.77.0.0/24 --gateway 10.77.0.255 x
		create --gateway fd00::1 x
		create --opt mtu=12 x
		create x y
		rm nowhere
		inspect nowhere
		crate x
	END
	[ -z "$("$GUSCIO" network ls -q)" ]
	"$GUSCIO" network create x
	run -125 "$GUSCIO" network ls --filter colour=red
	assert_one_line
	run -125 "$GUSCIO" run --network nowhere "$root" true
	assert_one_line
	[[ $output == *"guscio network create nowhere"* ]]
	run -125 "$GUSCIO" run --network slrip "$root" true
	assert_one_line
	[[ $output == *"did you mean --network slirp?"* ]]
}

@test "two containers reach each other by name, both families, and forget who has ended" {
	"$GUSCIO" network create --ipv6 back
	in_background web --network back:alias=www.site @host python3 -c "$server"
	run -0 "$GUSCIO" run --network back @host sh -c 'getent ahostsv4 web www.site; curl -s4 http://web; curl -s6 http://www.site'
	[[ $output == *"10.89."*"peer ::ffff:10.89."*"peer fd89:"* ]]
	# Its own id too, and the other way round nobody is there.
	run -0 "$GUSCIO" run --network back @host sh -c "getent ahostsv4 \$(hostname); getent ahostsv4 nobody.there || echo none"
	[[ $output == *"10.89."*none* ]]
	run -125 "$GUSCIO" network rm back
	assert_one_line
	end_all
	run -2 "$GUSCIO" run --network back @host getent ahostsv4 web
	run -0 "$GUSCIO" network rm back
}

@test "the id maps of a container in a network are those it would have had" {
	local mode
	"$GUSCIO" network create back
	for mode in auto single keep-id; do
		"$GUSCIO" run --userns=$mode --network none @host cat /proc/self/uid_map >"$work/alone" 2>/dev/null
		"$GUSCIO" run --userns=$mode --network back @host sh -c 'touch /tmp/x && stat -c %u /tmp/x && cat /proc/self/uid_map' \
			>"$work/inside" 2>/dev/null
		# The network's namespace is between: inside ids and counts are the same.
		[ "$(awk '{ print $1, $3 }' "$work/alone")" = "$(tail -n +2 "$work/inside" | awk '{ print $1, $3 }')" ]
	done
	# On disk they are too: a file made inside belongs to the user outside.
	mkdir "$work/out"
	"$GUSCIO" run --network back -v "$work/out:/out" "$root" sh -c 'touch /out/mine; touch /out/theirs; chown 5:5 /out/theirs'
	[ "$(stat -c %u "$work/out/mine")" = "$(id -u)" ]
	if [ "$(wc -l <"$work/alone")" -gt 1 ]; then
		local first
		first=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
		[ "$(stat -c %u "$work/out/theirs")" = $((first + 4)) ]
	fi
	"$GUSCIO" unshare rm -rf "$work/out"
	"$GUSCIO" network rm back
}

@test "an address of one's own; a taken one and one from elsewhere are refused" {
	"$GUSCIO" network create --subnet 10.77.7.0/24 --gateway 10.77.7.254 back
	in_background web --network back --ip 10.77.7.9 --mac-address 02:00:00:00:00:09 @host \
		sh -c 'cat /sys/class/net/eth0/address; ip -4 -o addr show eth0; ip route; echo ready; sleep 60'
	grep -q 02:00:00:00:00:09 "$work/web.log"
	grep -q "10.77.7.9/24" "$work/web.log"
	grep -q "default via 10.77.7.254" "$work/web.log"
	run -125 "$GUSCIO" run --network back --ip 10.77.7.9 "$root" true
	assert_one_line
	[[ $output == *"is taken"* ]]
	run -125 "$GUSCIO" run --network back --ip 10.78.7.9 "$root" true
	assert_one_line
	run -125 "$GUSCIO" run --network back --ip 10.77.7.254 "$root" true
	assert_one_line
	run -125 "$GUSCIO" run --network back --ip6 fd89::9 "$root" true
	assert_one_line
	run -0 "$GUSCIO" run --network back @host ping -c1 -W2 10.77.7.9
	end_all
}

@test "a gateway where the resolver would be: that moves" {
	"$GUSCIO" network create --subnet 10.77.7.0/24 --gateway 10.77.7.2 back
	run -0 "$GUSCIO" run --network back @host sh -c 'cat /etc/resolv.conf; ip route; getent ahostsv4 $(hostname)'
	[[ $output == *"nameserver 10.77.7.1"*"default via 10.77.7.2"*"10.77.7.3"* ]]
}

@test "a network that is removed while somebody waits to start it is not started" {
	"$GUSCIO" network create back
	mkdir -p "$XDG_RUNTIME_DIR/guscio/networks/back"
	chmod 700 "$XDG_RUNTIME_DIR/guscio"
	local i inode
	inode=$(stat -c %i "$XDG_RUNTIME_DIR/guscio/networks/back")
	exec 8<"$XDG_RUNTIME_DIR/guscio/networks/back"
	flock 8
	"$GUSCIO" run --network back "$root" true >"$work/waiting" 2>&1 3>&- 8>&- &
	for i in $(seq 50); do
		grep -q -- "-> FLOCK .*:$inode " /proc/locks && break
		sleep 0.1
	done
	rm "$XDG_DATA_HOME/guscio/networks/back.json"
	exec 8<&-
	for i in $(seq 50); do
		[ -s "$work/waiting" ] && break
		sleep 0.1
	done
	[[ $(cat "$work/waiting") == "guscio: cannot join network 'back': it has just been removed" ]]
	[ ! -e "$XDG_RUNTIME_DIR/guscio/networks/back" ]
	run ! pgrep -u "$(id -u)" -f 'guscio-net: back'
}

@test "no descriptor of ours reaches the program, with any network" {
	local mode
	"$GUSCIO" network create back
	"$GUSCIO" run -d --network back --name web @host sh -c 'ls /proc/self/fd; sleep 60'
	await_members back 1
	for mode in back none slirp host container:web; do
		# 3 is the directory that ls reads.
		run -0 "$GUSCIO" run --network "$mode" @host ls /proc/self/fd
		[ "${lines[*]}" = "0 1 2 3" ] || { echo "$mode: $output"; return 1; }
	done
	run -0 "$GUSCIO" exec web ls /proc/self/fd /proc/1/fd
	[ "${lines[*]}" = "/proc/1/fd: 0 1 2 /proc/self/fd: 0 1 2 3" ]
	[ "$("$GUSCIO" logs web | tr '\n' ' ')" = "0 1 2 3 " ]
}

@test "a container with all capabilities reaches neither the network's namespaces nor its helper" {
	"$GUSCIO" network create back
	# The owner of the network's own namespaces would rule every container in it.
	run -0 "$GUSCIO" run --network back --cap-add all @host python3 -c '
import fcntl, os
for ns in "user", "net":
    fd = os.open("/proc/self/ns/" + ns, os.O_RDONLY)
    for what, call in ("owner", 0xb701), ("parent", 0xb702):
        try:
            other = fcntl.ioctl(fd, call)
            same = os.fstat(other).st_ino == os.stat("/proc/self/ns/user").st_ino
            print(ns, what, "own" if same else "foreign")
        except OSError as e:
            print(ns, what, e.strerror)
'
	[ "${lines[0]}" = "user owner Operation not permitted" ]
	[ "${lines[1]}" = "user parent Operation not permitted" ]
	[ "${lines[2]}" = "net owner own" ]
	# Its ids are the user's own, and with --pid host it sees the helper and the other container.
	"$GUSCIO" run -d --network back --name web --cap-add all @host sleep 60
	await_members back 1
	local pid
	pid=$("$GUSCIO" inspect --format '{{.State.Pid}}' web)
	[ "$pid" -gt 1 ]
	run -0 "$GUSCIO" run --network back --pid host --cap-add all @host sh -c "
		helper=\$(pgrep -f '^guscio-net: back')
		[ -n \"\$helper\" ] && [ -d /proc/$pid ] && ! ls /proc/\$helper/fd && ! readlink /proc/\$helper/ns/net &&
		! nsenter -t \$helper -U true && ! nsenter -t $pid -n true && ! readlink /proc/$pid/root && echo alone"
	[ "${lines[-1]}" = alone ]
}

# Answers for whatever is looked for, and sends as gateway, resolver and the container called web, for 3 seconds.
liar='import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
s.settimeout(0.01)
own = s.getsockname()[4]
web = socket.gethostbyname("web")
claimed = [socket.inet_aton(a) for a in sys.argv[1:] + [web]]
macs = [b"\x52\x55" + a for a in claimed[:2]] + [b"\x02\x42" + claimed[2]]
print("ready", flush=True)
end = time.time() + 3
while time.time() < end:
    for a, mac in zip(claimed, macs):
        for kind in 1, 2:
            s.send(b"\xff" * 6 + own + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, kind) + own + a + b"\xff" * 6 + a)
        s.send(b"\xff" * 6 + mac + b"\x88\xb5" + b"x" * 50)
    try:
        s.recv(100)
    except OSError:
        pass
time.sleep(60)'

@test "no container takes the place of the gateway, the resolver or another's hardware address" {
	"$GUSCIO" network create --subnet 10.77.7.0/24 back
	"$GUSCIO" run -d --network back --name web @host python3 -c "$server"
	until "$GUSCIO" logs web | grep -q ready; do sleep 0.1; done
	"$GUSCIO" run -d --network back --name liar @host python3 -c "$liar" 10.77.7.1 10.77.7.2
	until "$GUSCIO" logs liar | grep -q ready; do sleep 0.1; done
	# Looks the name up, reaches the gateway, and is answered by the real web, while the other lies.
	run -0 "$GUSCIO" run --network back @host sh -c 'ip neigh show dev eth0
		for i in 1 2 3 4 5; do ping -q -c1 -W1 10.77.7.1 && getent ahostsv4 web && sleep 0.2 || exit 1; done
		true'
	[[ $output == *"10.77.7.2 lladdr 52:55:0a:4d:07:02 PERMANENT"* && $output == *"10.77.7.1 lladdr 52:55:0a:4d:07:01 PERMANENT"* ]]
	# With web's hardware address known the bridge leads there, whoever sends from it meanwhile.
	run -0 "$GUSCIO" run --network back --cap-add net_admin @host sh -c \
		'ip neigh replace 10.77.7.3 lladdr 02:42:0a:4d:07:03 dev eth0 && for i in 1 2 3; do curl -s -m2 http://10.77.7.3 || exit 1; done'
	[[ ${lines[2]} == "peer "* ]]
	"$GUSCIO" rm -f web liar
}

@test "the way out, and host names from the host; an internal network has neither" {
	python3 -u -m http.server 0 --bind 127.0.0.1 >"$work/http" 2>&1 3>&- &
	pids+=($!)
	local i port
	for i in $(seq 50); do
		port=$(sed -nE 's/.* port ([0-9]+) .*/\1/p' "$work/http")
		[ -n "$port" ] && break
		sleep 0.1
	done
	"$GUSCIO" network create -o host-loopback=true open
	"$GUSCIO" network create closed
	"$GUSCIO" network create --internal inner
	run -0 "$GUSCIO" run --network open @host curl -s -m5 -o /dev/null "http://host.containers.internal:$port/"
	run ! "$GUSCIO" run --network closed @host curl -s -m5 -o /dev/null "http://host.containers.internal:$port/"
	run ! "$GUSCIO" run --network inner @host sh -c 'ip route | grep default'
	in_background web --network inner @host python3 -c "$server"
	run -0 "$GUSCIO" run --network inner @host curl -s http://web
	[[ $output == "peer ::ffff:10.89."* ]]
	run ! "$GUSCIO" run --network inner --cap-add net_admin @host sh -c \
		'ip route add default via 10.89.0.1 || ip route add default via 10.89.2.1; curl -sS -m3 http://192.0.2.2/'
	end_all
}

@test "containers of different networks do not see each other" {
	"$GUSCIO" network create one
	"$GUSCIO" network create two
	in_background web --network one @host sh -c "ip -4 -o addr show eth0; exec python3 -c '$server'"
	local address
	address=$(sed -nE 's#.* (10\.89\.[0-9.]+)/24.*#\1#p' "$work/web.log")
	run -0 "$GUSCIO" run --network one @host curl -s -m3 "http://$address"
	[[ $output == "peer "* ]]
	# From elsewhere the address is the outside's, whoever answers there.
	run "$GUSCIO" run --network two @host curl -s -m3 "http://$address"
	[[ $output != *peer* ]]
	run -2 "$GUSCIO" run --network two @host getent hosts web
	end_all
}

@test "kill -9 of a starter gives its place back; of the helper, the link is down and a new one comes" {
	"$GUSCIO" network create back
	in_background web --network back @host sh -c 'echo ready; sleep 60'
	await_members back 1
	kill -9 "${pids[0]}"
	await_members back 0
	pids=()
	# The helper ends with the last container.
	local i
	for i in $(seq 50); do
		pgrep -u "$(id -u)" -f 'guscio-net: back' >/dev/null || break
		sleep 0.1
	done
	run ! pgrep -u "$(id -u)" -f 'guscio-net: back'
	in_background web --network back @host sh -c 'echo ready; sleep 60'
	kill -9 "$(pgrep -u "$(id -u)" -f 'guscio-net: back')"
	run -0 "$GUSCIO" run --network back "$root" true
	end_all
}

@test "many at once start one network, and all find each other's addresses taken" {
	"$GUSCIO" network create back
	local i
	for i in $(seq 12); do
		"$GUSCIO" run --network back @host sh -c 'ip -4 -o addr show eth0; sleep 3' >"$work/many.$i" 2>&1 3>&- &
		pids+=($!)
	done
	local failed=0 pid
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
	pids=()
	[ "$failed" -eq 0 ] || { cat "$work"/many.*; return 1; }
	[ "$(cat "$work"/many.* | grep -oE '10\.89\.[0-9]+\.[0-9]+/24' | sort -u | wc -l)" -eq 12 ]
}

@test "streams out of a network are whole and quick, though frames change places on the way" {
	local peer=$BATS_TEST_DIRNAME/netpeer.py port
	# shellcheck disable=SC2046
	serve_late $(yes 0 | head -12)
	"$GUSCIO" network create -o host-loopback=true back
	# A lost turn would cost a timer's second or more each time; a stream takes a tenth of one.
	run -0 "$GUSCIO" run --network back -v "$peer:/peer.py:ro" @host timeout 15 sh -ec "
		for i in $(seq -s ' ' 12); do python3 /peer.py leave 10.89.0.1 $port; done"
	soon late_said 13
	[ "$(grep -c "all ended" "$work/late")" -eq 12 ]
	end_all
}

@test "the last one leaves with something unsaid, and another one comes: the network goes on" {
	local peer=$BATS_TEST_DIRNAME/netpeer.py port before
	serve_late 8 0
	"$GUSCIO" network create -o host-loopback=true back
	run -0 "$GUSCIO" run --network back -v "$peer:/peer.py:ro" @host \
		python3 /peer.py leave 10.89.0.1 "$port" 1
	before=$(pgrep -u "$(id -u)" -f 'guscio-net: back')
	run -0 "$GUSCIO" run --network back -v "$peer:/peer.py:ro" @host sh -c "
		sleep 5
		cat /sys/class/net/eth0/carrier
		python3 /peer.py leave 10.89.0.1 $port"
	[ "$output" = 1 ]
	[ -n "$before" ]
	soon late_said 3
	[ "$(sed -n 3p "$work/late")" = "all ended" ]
	end_all
}

@test "more containers than libslirp remembers neighbours talk to the outside at once" {
	python3 "$BATS_TEST_DIRNAME/netpeer.py" echo 0 >"$work/up" 2>&1 3>&- &
	pids+=($!)
	local i port
	for i in $(seq 100); do
		port=$(sed -n 's/up //p' "$work/up")
		[ -n "$port" ] && break
		sleep 0.1
	done
	"$GUSCIO" network create --ipv6 -o host-loopback=true back
	local gateway=10.89.0.1 gateway6
	gateway6=$("$GUSCIO" network inspect back | jq -r '.[0].subnets[1].gateway')
	local talkers=()
	for i in $(seq 24); do
		"$GUSCIO" run --network back -v "$BATS_TEST_DIRNAME/netpeer.py:/peer.py:ro" @host \
			python3 /peer.py talk "$gateway" "$gateway6" "$port" 4 >"$work/talk.$i" 2>&1 3>&- &
		talkers+=($!)
	done
	pids+=("${talkers[@]}")
	wait "${talkers[@]}"
	[ "$(cat "$work"/talk.* | grep -c '^talked ')" -eq 24 ] || { cat "$work"/talk.*; return 1; }
	# A packet that libslirp drops comes again a second later.
	[ "$(cat "$work"/talk.* | awk '$3 > 0.9' | wc -l)" -lt 3 ] || { cat "$work"/talk.*; return 1; }
	end_all
}

@test "a container is started again while another one still lives in its old network namespace" {
	"$GUSCIO" network create back
	"$GUSCIO" run -d --network back --name keeper @host sleep 60
	"$GUSCIO" run -d --network back --name web @host sleep 60
	"$GUSCIO" run -d --network container:web --name beside @host sleep 60
	await_members back 2
	run -0 "$GUSCIO" restart -t 1 web
	run -0 "$GUSCIO" exec web getent ahostsv4 keeper
	# As in docker, who was beside it has lost the way.
	run -0 "$GUSCIO" exec beside ls /sys/class/net
	[ "$output" = lo ]
	"$GUSCIO" rm -f web keeper beside
}

@test "a helper that is stopped keeps nobody waiting: one line each" {
	"$GUSCIO" network create back
	"$GUSCIO" network create other
	"$GUSCIO" run -d --network back --name web @host sleep 60
	await_members back 1
	local helper
	helper=$(pgrep -u "$(id -u)" -f '^guscio-net: back')
	kill -STOP "$helper"
	run -0 "$GUSCIO" network ls
	[[ $output == *"cannot ask who is in network 'back': guscio-net does not answer"* ]]
	[[ $output == *"back"*" ?"* && $output == *"other"*" 0"* ]]
	run -125 "$GUSCIO" network inspect back
	assert_one_line
	run -125 "$GUSCIO" network rm back
	assert_one_line
	run -125 "$GUSCIO" run --network back @host true
	assert_one_line
	[[ $output == *"guscio-net does not answer for 5 seconds"* ]]
	kill -CONT "$helper"
	run -0 "$GUSCIO" run --network back @host getent ahostsv4 web
	"$GUSCIO" rm -f web
}

@test "a network whose runtime directory is gone does not run twice" {
	"$GUSCIO" network create back
	in_background web --network back @host sh -c 'echo ready; sleep 60'
	local helper
	helper=$(pgrep -u "$(id -u)" -f '^guscio-net: back')
	mv "$XDG_RUNTIME_DIR/guscio" "$work/gone"
	run -125 "$GUSCIO" run --network back "$root" true
	assert_one_line
	[[ $output == *"it runs already"*"kill $helper"* ]]
	run -125 "$GUSCIO" network rm back
	assert_one_line
	[ "$(pgrep -u "$(id -u)" -f '^guscio-net: back')" = "$helper" ]
	kill "$helper"
	run -0 "$GUSCIO" run --network back "$root" true
	end_all
	run -0 "$GUSCIO" network rm back
	[ -z "$(ls -A "$XDG_DATA_HOME/guscio/networks")" ]
}

@test "a container that opens flows without end leaves room for new members" {
	"$GUSCIO" network create back
	# The network's helper may have as many descriptors as whoever started it.
	(ulimit -n 400 && exec "$GUSCIO" run -d --network back --name greedy @host python3 -c '
import socket, time
for port in range(20000, 21000):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", port))
        try:
            s.sendto(b"x", ("192.0.2.1", 9))
        except OSError:
            pass
print("ready", flush=True)
time.sleep(60)')
	until "$GUSCIO" logs greedy | grep -q ready; do sleep 0.1; done
	run -0 timeout 10 "$GUSCIO" run --network back @host getent ahostsv4 greedy
	[[ $output == *"10.89."* ]]
	"$GUSCIO" rm -f greedy
}

@test "--explain asks for no place; joined namespaces are refused; a member can be joined" {
	"$GUSCIO" network create back
	run -0 "$GUSCIO" run --network back --explain "$root" true
	[[ $output == *"enter network"*"network cable"* ]]
	run ! pgrep -u "$(id -u)" -f 'guscio-net: back'
	in_background web --network back @host sh -c 'echo ready; sleep 60'
	run -125 "$GUSCIO" run --network back --pid container:web "$root" true
	assert_one_line
	run -0 "$GUSCIO" run --network container:web @host sh -c 'getent ahostsv4 web && cat /etc/resolv.conf'
	[[ $output == *"10.89."*"nameserver 10.89."* ]]
	end_all
}

@test "a detached container keeps its network over a restart, with ports published into it" {
	"$GUSCIO" network create back
	"$GUSCIO" run -d --network back --name web -p 127.0.0.1::80 @host python3 -c "$server"
	await_members back 1
	local port
	port=$("$GUSCIO" port web 80 | sed 's/.*://')
	until "$GUSCIO" logs web | grep -q ready; do sleep 0.1; done
	run -0 curl -s --retry 20 --retry-connrefused --retry-delay 1 -m30 "http://127.0.0.1:$port"
	[[ $output == "peer "* ]]
	run -0 "$GUSCIO" run --network back @host curl -s --retry 20 --retry-connrefused --retry-delay 1 -m30 http://web
	[[ $output == "peer "* ]]
	"$GUSCIO" restart -t 1 web
	await_members back 1
	run -0 "$GUSCIO" run --network back @host curl -s --retry 20 --retry-connrefused --retry-delay 1 -m30 http://web
	[[ $output == "peer "* ]]
	run -0 "$GUSCIO" exec web cat /etc/resolv.conf
	[[ $output == "nameserver 10.89."* ]]
	"$GUSCIO" rm -f web
	await_members back 0
}
