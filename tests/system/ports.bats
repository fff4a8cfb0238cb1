#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ports.bats - published ports: who gets in, as whom, and what is left afterwards

load helpers

PORTS=$BATS_TEST_DIRNAME/ports.py

teardown() {
	[ -z "${starter:-}" ] || unpublish
	"$GUSCIO" rm -f back >/dev/null 2>&1 || true
	remove_all
}

# A container in the background that says "up"; its starter is $starter.
publish() { # options... -- mode of ports.py...
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	: >"$work/out"
	"$GUSCIO" run --userns=single --network=none --name served -v "$PORTS:/ports.py:ro" \
		"${options[@]}" @host python3 /ports.py "$@" >"$work/out" 2>"$work/err" 3>&- &
	starter=$!
	for _ in $(seq 100); do
		! grep -q up "$work/out" || return 0
		kill -0 $starter || break
		sleep 0.05
	done
	cat "$work/err"
	return 1
}

unpublish() {
	kill -9 $starter 2>/dev/null || true
	wait $starter || true
}

peer() {
	timeout 60 python3 "$PORTS" "$@"
}

# Ten of the host in a row that nobody has, below those that the kernel gives to callers.
free_port() {
	python3 -c '
import random, socket
def is_free(port):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        with socket.socket(socket.AF_INET6, kind) as s:
            try: s.bind(("", port))
            except OSError: return False
    return True
while True:
    port = random.randrange(20000, 32000)
    if all(is_free(port + i) for i in range(10)):
        print(port)
        break'
}

helper_pid() {
	pgrep -u "$(id -u)" -r S,R,D -f '^guscio-port: ' || true
}

# The kernel's list of the container's sockets: tcp or udp.
inside_sockets() {
	"$GUSCIO" run --userns=single --network container:served "$root" cat /proc/net/$1 2>/dev/null
}

await_no_helper() {
	for _ in $(seq 80); do
		[ -n "$(helper_pid)" ] || return 0
		sleep 0.05
	done
	return 1
}

@test "-p: both families; peers on the host's loopback are shown as the gateway" {
	port=$(free_port)
	publish -p "$port:80" -- serve 4:80 6:80
	run -0 peer who 127.0.0.1 "$port"
	[ "$output" = "10.0.2.2 ${output##* } | 127.0.0.1 ${output##* }" ]
	run -0 peer who ::1 "$port"
	[ "$output" = "fd00::2 ${output##* } | ::1 ${output##* }" ]
	run -0 peer who 127.0.0.3 "$port"
	[[ $output == 10.0.2.2\ * ]]
	unpublish
}

@test "-p udp: both families, two peers, two ports" {
	port=$(free_port)
	publish -p "$port-$((port + 1)):53-54/udp" -- serve u4:53 u4:54 u6:53
	run -0 peer who 127.0.0.1 "$port" udp
	[[ $output == 10.0.2.2\ * ]]
	run -0 peer who ::1 "$port" udp
	[ "$output" = "fd00::2 ${output##* } | ::1 ${output##* }" ]
	run -0 peer own-flows 127.0.0.1 "$port"
	[ "$output" = three ]
	unpublish
}

@test "a program that listens on one family only is reached by peers of the other" {
	port=$(free_port)
	publish -p "$port:80" -p "$port:53/udp" -- serve 4:80 u4:53
	run -0 peer who ::1 "$port"
	[[ $output == 10.0.2.2\ * ]]
	run -0 peer who ::1 "$port" udp
	[[ $output == 10.0.2.2\ * ]]
	unpublish
	port=$(free_port)
	publish -p "$port:80" -- serve 6:80
	run -0 peer who 127.0.0.1 "$port"
	[[ $output == fd00::2\ * ]]
	unpublish
}

@test "the program sees the real address and port of peers in another namespace" {
	cat >"$work/inside" <<-'EOF'
	set -e
	ip link set lo up
	unshare -n sleep 60 &
	other=$!
	sleep 0.3
	ip link add here type veth peer name there netns $other
	ip addr add 192.0.2.1/24 dev here
	ip addr add 2001:db8::1/64 dev here nodad
	ip link set here up
	in_other="nsenter -n -t $other"
	$in_other ip link set lo up
	$in_other ip addr add 192.0.2.7/24 dev there
	$in_other ip addr add 2001:db8::7/64 dev there nodad
	$in_other ip link set there up
	"$GUSCIO" run --userns=single --network=none -v "$PORTS:/ports.py:ro" -p 8080:80 -p 8080:53/udp \
		@host python3 /ports.py serve 4:80 6:80 u4:53 u6:53 >"$work/out" &
	starter=$!
	while ! grep -qs up "$work/out"; do sleep 0.1; done
	for kind in tcp udp; do
		for address in 192.0.2.1 2001:db8::1; do
			$in_other python3 "$PORTS" who $address 8080 $kind
		done
	done
	$in_other python3 "$PORTS" echo 192.0.2.1 8080 20
	# Its own address, from itself: not the container's.
	python3 "$PORTS" who 192.0.2.1 8080
	kill $starter
	if [ -w /dev/net/tun ]; then
		"$GUSCIO" run --userns=single -v "$PORTS:/ports.py:ro" -p 8081:53/udp @host \
			python3 /ports.py initiative 192.0.2.7 9999 >"$work/out2" &
		while ! grep -qs up "$work/out2"; do sleep 0.1; done
		$in_other python3 "$PORTS" expect-initiative 192.0.2.1 8081 9999
	fi
	kill $other
	EOF
	export GUSCIO PORTS work
	run -0 timeout 60 unshare -Urn bash "$work/inside"
	for line in 0 1 2 3; do
		[ "${lines[$line]%% |*}" = "${lines[$line]##*| }" ]
	done
	[[ ${lines[0]} == 192.0.2.7\ * && ${lines[1]} == 2001:db8::7\ * ]]
	[[ ${lines[2]} == 192.0.2.7\ * && ${lines[3]} == 2001:db8::7\ * ]]
	[ "${lines[4]}" = same ]
	[[ ${lines[5]} == 192.0.2.1\ * ]]
	# What the program sends by itself, to another port of that peer, leaves the usual way.
	[ ! -w /dev/net/tun ] || [ "${lines[6]}" = "answer initiative" ]
}

@test "whoever the ids make of us: all, keep-id, by hand, another user, containers inside" {
	port=$(free_port)
	first=$(grep "^$(id -un):" /etc/subuid | head -n 1 | cut -d: -f2)
	[ -n "$first" ] || skip "no subordinate ids"
	for options in --userns=auto --userns=keep-id "--uidmap 0:$first:1000" "-u 33" --nest --userns=single; do
		: >"$work/out"
		# shellcheck disable=SC2086
		"$GUSCIO" run $options --name served -p "127.0.0.1:$port:80" -v "$PORTS:/ports.py:ro" @host \
			python3 /ports.py serve 4:80 >"$work/out" 3>&- &
		starter=$!
		while ! grep -qs up "$work/out"; do sleep 0.05; kill -0 $starter; done
		run -0 peer who 127.0.0.1 "$port"
		# Also by one that is started later.
		kill -9 "$(helper_pid)"
		run -0 "$GUSCIO" port --add "127.0.0.1:$((port + 1)):80" served
		run -0 peer who 127.0.0.1 $((port + 1))
		unpublish
		await_no_helper
	done
}

@test "curl and a web server: several ports, both families, a large file" {
	port=$(free_port)
	mkdir "$work/site"
	head -c 30000000 /dev/urandom >"$work/site/file"
	"$GUSCIO" run --userns=single -p "$port-$((port + 1)):80-81" -v "$work/site:/site:ro" -w /site @host \
		sh -c 'python3 -u -m http.server 81 --bind :: & exec python3 -m http.server 80 --bind 0.0.0.0' >"$work/out" 2>&1 3>&- &
	starter=$!
	for try in $(seq 100); do
		! curl -fsS -o /dev/null "http://127.0.0.1:$port/" -o /dev/null "http://[::1]:$((port + 1))/" 2>/dev/null || break
		sleep 0.1
	done
	for url in "http://127.0.0.1:$port" "http://[::1]:$port" "http://127.0.0.1:$((port + 1))" "http://[::1]:$((port + 1))"; do
		curl -fsS --max-time 20 -o "$work/got" "$url/file"
		cmp "$work/got" "$work/site/file"
	done
	run -22 curl -fsS --max-time 20 "http://127.0.0.1:$port/nothing"
	unpublish
}

@test "large transfers both ways at once, and half-close" {
	port=$(free_port)
	publish -p "$port:80" -- serve 4:80 6:80
	run -0 peer echo 127.0.0.1 "$port" 300
	[ "$output" = same ]
	run -0 peer echo ::1 "$port" 50
	[ "$output" = same ]
	# Half-close from the first byte on: curl and nc end their side early.
	run -0 bash -c "printf abc | timeout 5 nc -N 127.0.0.1 $port | tail -c 3"
	[ "$output" = abc ]
	unpublish
}

@test "1,000 connections at once" {
	port=$(free_port)
	publish -p "$port:80" -- serve 4:80
	run -0 peer many 127.0.0.1 "$port" 1000
	[ "$output" = all ]
	# Afterwards nothing of them is open any more, as the container's network counts.
	for _ in $(seq 40); do
		open=$(inside_sockets tcp | grep -c ' 01 ' || true)
		[ "$open" -gt 0 ] || break
		sleep 0.1
	done
	[ "$open" -eq 0 ]
	run -0 peer who 127.0.0.1 "$port"
	unpublish
}

@test "few descriptors: callers wait their turn, none is refused" {
	port=$(free_port)
	ulimit -Sn 256
	ulimit -Hn 256
	publish -p "$port:80" -- serve 4:80
	run -0 peer crowd 127.0.0.1 "$port" 100
	[ "$output" = "100 were served" ]
	run -0 peer echo 127.0.0.1 "$port" 10
	unpublish
}

@test "a reset is passed on both ways, after the last words" {
	port=$(free_port)
	publish -p "$port:80" -- reset
	run -0 peer meet-reset 127.0.0.1 "$port"
	[ "$output" = reset ]
	run -0 peer meet-reset 127.0.0.1 "$port"
	[ "$output" = reset ]
	unpublish
	await_no_helper
	publish -p "$port:80" -- hear-reset
	peer break-off 127.0.0.1 "$port"
	wait $starter
	[ "$(tail -n 1 "$work/out")" = reset ]
}

@test "callers and programs that end connections in every way leave none behind" {
	port=$(free_port)
	publish -p "127.0.0.1:$port:80" -- unruly
	run -0 peer misbehave 127.0.0.1 "$port" 4
	echo "$output"
	[ "$output" = "6 kinds" ]
	# No end is lost: none of the program's sockets waits for a peer that is gone.
	for _ in $(seq 30); do
		open=$(inside_sockets tcp | grep -cE ' (01|04|05|08|09|0B) ' || true)
		[ "$open" -gt 0 ] || break
		sleep 0.1
	done
	inside_sockets tcp | grep -v ' 06 '
	[ "$open" -eq 0 ]
	unpublish
}

@test "nobody listens: the caller hears it at once" {
	port=$(free_port)
	publish -p "$port:81" -- serve 4:80
	run -0 python3 -c "
import socket
try: print(socket.create_connection(('127.0.0.1', $port), 5).recv(9))
except ConnectionResetError: print('reset')"
	[ "$output" = reset ]
	unpublish
}

@test "a peer that does not read: little is kept for it" {
	port=$(free_port)
	publish -p "$port:80" -- serve 4:80
	memory() {
		awk '/VmRSS/ { print $2 }' "/proc/$(helper_pid)/status"
	}
	before=$(memory)
	# What the kernel's own limits on sockets allow, and no more than a pipe of ours.
	run -0 peer slow 127.0.0.1 "$port"
	[ "$output" -lt 200 ]
	[ $(($(memory) - before)) -lt 4000 ]
	unpublish
}

@test "what the program said last is delivered after its end" {
	port=$(free_port)
	publish -p "$port:80" -- last-words
	run -0 peer count 127.0.0.1 "$port" 0.5
	[ "$output" = 1048576 ]
	wait $starter
	await_no_helper
}

@test "a port in use, an address that is not ours, a low port: one line, nothing made" {
	port=$(free_port)
	python3 -c "import socket,time
s=socket.socket(); s.setsockopt(1,2,1); s.bind(('', $port)); s.listen(); print('up', flush=True); time.sleep(60)" >"$work/holder" 3>&- &
	holder=$!
	while ! grep -qs up "$work/holder"; do sleep 0.05; done
	run -125 run_one -p "$port:80" "$root" true
	assert_one_line
	[[ ${lines[0]} == *"cannot publish port 0.0.0.0:$port/tcp: another program has it" ]]
	kill $holder
	run -125 run_one -p "192.0.2.77:$port:80" "$root" true
	assert_one_line
	[[ ${lines[0]} == *"192.0.2.77:$port/tcp"*"not of this machine"* ]]
	if [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ]; then
		run -125 run_one -p 80:80 "$root" true
		assert_one_line
		[[ $output == *ip_unprivileged_port_start=80* && $output == *"--fd 80=3"* ]]
	fi
	assert_nothing_left
	await_no_helper
}

@test "what is no port is refused with a sentence" {
	for wrong in '' x 80:x 0 65536 80:70000 1:2:3 1.2.3:80:80 '[::1:80:80' 80/sctp 80/icmp 10-5:10-5 \
		8000-8002:80-81 :80 127.0.0.1:80-90:; do
		run -125 run_one -p "$wrong" "$root" true
		assert_one_line
	done
	run -125 run_one -p 8080-8090:80-90 -p 8085:99 "$root" true
	[[ $output == *overlap* ]]
	run -125 run_one -p 127.0.0.1:8080:80 -p 8080:81 "$root" true
	[[ $output == *overlap* ]]
	run -0 run_one --explain -p 127.0.0.1:8080:80 -p 127.0.0.2:8080:81 -p 8080:82/udp "$root" true
	run -125 run_one -p 1000-9000:1000-9000 "$root" true
	[[ $output == *"at most"* ]]
	run -125 bash -c "ulimit -n 128; '$GUSCIO' run --userns=single -p 20000-20200:20000-20200 '$root' true"
	assert_one_line
	[[ $output == *descriptors* ]]
	run -125 run_one --network container:other -p 8080:80 "$root" true
	assert_one_line
	run -0 run_one --network host -p 8080:80 "$root" echo fine
	[[ $output == *"mean nothing with the host's network"*fine* || $output == *fine*"mean nothing"* ]]
}

@test "ranges, any port, one of a range, -P with --expose" {
	port=$(free_port)
	publish -p 80 -p "127.0.0.1::81" -p "127.0.0.1:$port-$((port + 9)):82" -P --expose 83 --expose 84-85/udp \
		-- serve 4:80 4:81 4:82 4:83
	run -0 "$GUSCIO" port served
	[ "${#lines[@]}" -eq 10 ]
	for inside in 80 81 82 83; do
		run -0 "$GUSCIO" port served $inside
		run -0 peer who 127.0.0.1 "${lines[0]##*:}"
	done
	run -0 "$GUSCIO" port served 82/tcp
	[[ $output == 127.0.0.1:* ]]
	# Both families get the same number.
	run -0 "$GUSCIO" port served 83
	[ "${lines[0]##*:}" = "${lines[1]##*:}" ]
	unpublish
}

@test "guscio port: docker's lines, json, add and remove while it runs" {
	port=$(free_port)
	publish -p "127.0.0.1:$port:80" -- serve 4:80 4:81 u4:53
	run -0 "$GUSCIO" port served
	[ "$output" = "80/tcp -> 127.0.0.1:$port" ]
	run -0 "$GUSCIO" port served 80
	[ "$output" = "127.0.0.1:$port" ]
	run -125 "$GUSCIO" port served 99
	assert_one_line
	run -125 "$GUSCIO" port nobody
	assert_one_line
	run -0 bash -c "'$GUSCIO' port --format json served | python3 -c 'import json,sys; d=json.load(sys.stdin)[0]; print(d[\"HostPort\"], d[\"ContainerPort\"], d[\"HostIp\"], d[\"Protocol\"])'"
	[ "$output" = "$port 80 127.0.0.1 tcp" ]
	run -0 "$GUSCIO" port --add "127.0.0.1:$((port + 1)):81" --add "127.0.0.1::53/udp" served
	[ "${lines[0]}" = "81/tcp -> 127.0.0.1:$((port + 1))" ]
	udp=${lines[1]##*:}
	run -0 peer who 127.0.0.1 $((port + 1))
	run -0 peer who 127.0.0.1 "$udp" udp
	run -125 "$GUSCIO" port --add "127.0.0.1:$port:80" served
	assert_one_line
	run -0 "$GUSCIO" port --rm "127.0.0.1:$((port + 1)):81" --rm 53/udp served
	run -0 "$GUSCIO" port served
	[ "$output" = "80/tcp -> 127.0.0.1:$port" ]
	run ! peer who 127.0.0.1 $((port + 1))
	run -125 "$GUSCIO" port --rm 53/udp served
	assert_one_line
	run -0 peer who 127.0.0.1 "$port"
	unpublish
	await_no_helper
}

@test "many ports: each leads in, and the program keeps the caller's limit of open files" {
	port=$(free_port)
	ulimit -Sn 256
	publish -p "127.0.0.1:25000-25399:5000-5399" -- limits 5000 5199 5399
	for inside in 5000 5199 5399; do
		run -0 python3 -c "import socket; print(socket.create_connection(('127.0.0.1', $((inside + 20000))), 5).makefile().readline())"
		[ "${lines[0]}" = 256 ]
	done
	unpublish
}

@test "guscio port --add on a container that published none; two at once" {
	publish -- serve 4:80 6:80
	run -0 "$GUSCIO" port served
	[ -z "$output" ]
	[ -z "$(helper_pid)" ]
	"$GUSCIO" port --add 127.0.0.1::80 served >"$work/a" 3>&- &
	"$GUSCIO" port --add 127.0.0.1::80 served >"$work/b" 3>&-
	wait %2 || wait $!
	[ "$(helper_pid | wc -l)" -eq 1 ]
	for file in a b; do
		run -0 peer who 127.0.0.1 "$(sed 's/.*://' "$work/$file")"
		[[ $output == 10.0.2.2\ * ]]
	done
	kill -9 $starter
	wait $starter || true
	await_no_helper
}

@test "guscio-port killed: port says so, --add serves again; the starter killed: it ends" {
	port=$(free_port)
	publish -p "127.0.0.1:$port:80" -- serve 4:80
	kill -9 "$(helper_pid)"
	run ! peer who 127.0.0.1 "$port"
	run -125 "$GUSCIO" port served
	assert_one_line
	# The new one holds none of the caller's files: who reads descriptor 5 gets its end.
	run -0 timeout 10 bash -c "'$GUSCIO' port --add 127.0.0.1:$port:80 served 5>&1 | cat"
	run -0 peer who 127.0.0.1 "$port"
	pkill -P "$(pgrep -P $starter -f guscio-init)" || true
	wait $starter || true
	grep -q 'lost its published ports: guscio-port has ended' "$work/err"
	await_no_helper
	publish -p "127.0.0.1:$port:80" -- serve 4:80
	kill -9 $starter
	wait $starter || true
	await_no_helper
	run -0 run_one --name served -p "127.0.0.1:$port:80" "$root" true
	sleep 2.5
	run -0 run_one "$root" true
	assert_nothing_left
}

@test "a port is free when guscio returns" {
	port=$(free_port)
	for _ in 1 2 3 4 5 6 7 8; do
		run -0 run_one --network=none -p "$port:80" "$root" true
		[ -z "$output" ]
	done
	assert_nothing_left
}

@test "--fd: an inherited socket leads to the port" {
	for kind in tcp udp; do
		rm -f "$work/out"
		python3 "$PORTS" hold $kind "$GUSCIO" run --userns=single --network=none -v "$PORTS:/ports.py:ro" \
			--fd 80/$kind=3 --name served @host python3 /ports.py serve 4:80 u4:80 >"$work/out" 3>&- &
		starter=$!
		while ! grep -qs up "$work/out"; do sleep 0.05; kill -0 $starter; done
		port=$(head -n 1 "$work/out")
		run -0 peer who 127.0.0.1 "$port" $kind
		[[ $output == 10.0.2.2\ * ]]
		run -0 "$GUSCIO" port served
		[ "$output" = "80/$kind -> 127.0.0.1:$port" ]
		# Removed, the socket is closed everywhere.
		run -0 "$GUSCIO" port --rm 80/$kind served
		run -1 peer who 127.0.0.1 "$port" $kind
		[[ $output == *refused* ]]
		unpublish
	done
	run -125 run_one --fd 80=9 "$root" true
	assert_one_line
	run -125 bash -c "'$GUSCIO' run --userns=single --fd 80=4 '$root' true 4</dev/null"
	assert_one_line
	[[ $output == *"no socket"* ]]
	run -125 run_one --fd 80 "$root" true
	assert_one_line
}

@test "LISTEN_FDS: the program is activated by the caller's socket" {
	command -v systemd-socket-activate >/dev/null || skip "systemd-socket-activate is not installed"
	port=$(free_port)
	cat >"$work/activated.py" <<-'EOF'
	import os, socket
	assert os.environ["LISTEN_PID"] == str(os.getpid())
	assert os.environ["LISTEN_FDS"] == "1"
	c, _ = socket.socket(fileno=3).accept()
	c.sendall(os.environ["LISTEN_FDNAMES"].encode() + b"\n")
	EOF
	for init in --init --no-init; do
		timeout 20 systemd-socket-activate --fdname=web -l "127.0.0.1:$port" "$GUSCIO" run $init --userns=single \
			-v "$work/activated.py:/a.py:ro" @host python3 /a.py >"$work/out" 2>&1 3>&- &
		starter=$!
		sleep 0.5
		run -0 python3 -c "import socket; print(socket.create_connection(('127.0.0.1', $port), 10).makefile().readline())"
		[ "${lines[0]}" = web ]
		wait $starter
	done
	# A low port by --fd: what a system .socket unit would hand over.
	systemd-socket-activate -l "127.0.0.1:$port" "$GUSCIO" run --userns=single --network=none \
		-v "$PORTS:/ports.py:ro" --fd 80=3 @host python3 /ports.py serve 4:80 >"$work/out" 2>&1 3>&- &
	starter=$!
	sleep 0.5
	# The first caller comes before the program listens, and is kept.
	run -0 peer who 127.0.0.1 "$port"
	[[ $output == 10.0.2.2\ * ]]
	unpublish
}

@test "UDP: the largest datagrams, both ways and both families" {
	port=$(free_port)
	publish -p "$port:53/udp" -- echo-datagrams 53
	for address in 127.0.0.1 ::1; do
		run -0 peer large "$address" "$port"
		[ "$output" = whole ]
	done
	unpublish
}

@test "UDP: more peers than flows" {
	port=$(free_port)
	publish -p "127.0.0.1:$port:53/udp" -- serve u4:53
	run -0 peer flood 127.0.0.1 "$port" 1500
	[ "$output" = "1500 were answered, and the first one again" ]
	# So many sockets with peers' addresses are there, and no more.
	count=$(inside_sockets udp | grep -vc '00000000:0035 ')
	echo "$count"
	[ "$count" -gt 500 ]
	[ "$count" -le 1026 ]
	unpublish
}

@test "guscio-port holds nothing: no files, no calls, one network's capabilities, no time when idle" {
	port=$(free_port)
	publish -p "$port:80" -- serve 4:80
	run -0 peer who 127.0.0.1 "$port"
	pid=$(helper_pid)
	status=/proc/$pid/status
	grep -q '^NoNewPrivs:.*1' "$status"
	grep -q '^Seccomp:.*2' "$status"
	grep -q '^CapEff:.*0000000000003400' "$status"
	before=$(grep ctxt "$status")
	sleep 1.5
	[ "$before" = "$(grep ctxt "$status")" ]
	# Not in the container's process list, and out of reach for its root.
	run -0 "$GUSCIO" run --userns=single --pid container:served --network container:served "$root" \
		sh -c 'ps -o args | grep -c "[g]uscio-port:"; true'
	[ "${lines[0]}" = 0 ]
	unpublish
}

@test "guscio spec keeps ports, and the bundle publishes them" {
	port=$(free_port)
	mkdir "$work/bundle"
	"$GUSCIO" spec --userns=single --network=none -p "127.0.0.1:$port:80" -v "$PORTS:/ports.py:ro" @host \
		python3 /ports.py serve 4:80 >"$work/bundle/config.json"
	grep -q "127.0.0.1:$port:80/tcp" "$work/bundle/config.json"
	"$GUSCIO" run --bundle "$work/bundle" >"$work/out" 3>&- &
	starter=$!
	while ! grep -qs up "$work/out"; do sleep 0.05; kill -0 $starter; done
	run -0 peer who 127.0.0.1 "$port"
	unpublish
}

@test "a container in the background: ps and inspect show its ports, each start has them again" {
	port=$(free_port)
	run -0 --separate-stderr "$GUSCIO" run -d --userns=single --network=none --name back -p "127.0.0.1:$port:80" \
		-v "$PORTS:/ports.py:ro" @host python3 /ports.py serve 4:80 u4:53
	await_server() {
		for _ in $(seq 60); do
			! peer who 127.0.0.1 "$port" 2>/dev/null || return 0
			sleep 0.1
		done
		return 1
	}
	await_server
	run -0 "$GUSCIO" ps --format '{{.Ports}}'
	[ "$output" = "127.0.0.1:$port->80/tcp" ]
	"$GUSCIO" port --add "127.0.0.1:$((port + 1)):53/udp" back
	run -0 "$GUSCIO" ps --format '{{.Ports}}'
	[ "$output" = "127.0.0.1:$port->80/tcp, 127.0.0.1:$((port + 1))->53/udp" ]
	run -0 bash -c "'$GUSCIO' inspect back | python3 -c 'import json,sys; p=json.load(sys.stdin)[0][\"NetworkSettings\"][\"Ports\"]; print(p[\"80/tcp\"], p[\"53/udp\"][0][\"HostPort\"])'"
	[ "$output" = "[{'HostIp': '127.0.0.1', 'HostPort': '$port'}] $((port + 1))" ]
	for _ in 1 2 3 4; do
		run -0 "$GUSCIO" stop -t 0 back
		run -0 "$GUSCIO" start back
	done
	await_server
	run -0 "$GUSCIO" restart -t 0 back
	await_server
	run -0 "$GUSCIO" stop -t 0 back
	run -0 "$GUSCIO" ps -a --format '{{.Ports}}'
	[ -z "$output" ]
	run -125 "$GUSCIO" port back
	assert_one_line
	run -0 "$GUSCIO" rm back
	await_no_helper
	run -125 "$GUSCIO" run -d --fd 80=3 "$root" true 3</dev/null
	assert_one_line
	run -125 "$GUSCIO" create --fd 80=3 "$root" true
	assert_one_line
}

@test "a named network: callers outside by the port, neighbours by the name, each as who they are" {
	[ -w /dev/net/tun ] || skip "/dev/net/tun is not open for everybody"
	port=$(free_port)
	run -0 "$GUSCIO" network create ports-test
	"$GUSCIO" run --network ports-test --name served -p "127.0.0.1:$port:80" -p "127.0.0.1:$port:53/udp" \
		-v "$PORTS:/ports.py:ro" @host python3 /ports.py serve 4:80 u4:53 >"$work/out" 3>&- &
	starter=$!
	while ! grep -qs up "$work/out"; do sleep 0.05; kill -0 $starter; done
	gateway=$("$GUSCIO" network inspect --format '{{json .}}' ports-test | grep -o '"[Gg]ateway": *"[0-9.]*"' | head -n 1 | grep -o '[0-9.]*')
	for kind in tcp udp; do
		run -0 peer who 127.0.0.1 "$port" $kind
		[[ $output == "$gateway "* ]]
		# Its answer takes the network's way, though it comes from a published port.
		run -0 --separate-stderr "$GUSCIO" run --network ports-test -v "$PORTS:/ports.py:ro" @host \
			python3 /ports.py who served "$([ $kind = tcp ] && echo 80 || echo 53)" $kind
		[ "${output%% |*}" = "${output##*| }" ]
		[[ $output != "$gateway "* ]]
	done
	run -0 "$GUSCIO" port --add "127.0.0.1:$((port + 1)):80" served
	run -0 peer who 127.0.0.1 $((port + 1))
	[[ $output == "$gateway "* ]]
	unpublish
	sleep 0.5
	run -0 "$GUSCIO" network rm ports-test
}
