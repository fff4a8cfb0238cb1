#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# net_helper.bats - guscio-net itself: names, what goes through, limits, quiet

load helpers

PEER=$BATS_TEST_DIRNAME/netpeer.py

teardown() {
	[ -z "${pids:-}" ] || kill $pids 2>/dev/null || true
	remove_all
}

# A host of our own, with loopback only and with our /etc: there are ports below 1024 for a
# resolver, and a resolv.conf that may be changed. SCRIPT sees GUSCIO, PEER and work.
host() { # SCRIPT
	mkdir -p "$work/etc"
	cp /etc/passwd /etc/group "$work/etc/"
	export GUSCIO PEER work
	timeout 100 unshare -rmn bash -eu -c '
		busybox ip link set lo up
		mount --bind "$work/etc" /etc
		trap "kill \$(jobs -p) 2>/dev/null || true" EXIT
		resolver() { # ADDRESS ANSWER MODE
			python3 "$PEER" dns "$1" 53 "$2" "${3:-ok}" >"$work/up.$1" &
			until grep -qs up "$work/up.$1"; do sleep 0.02; done
		}
		inside() { # NETWORK COMMAND...
			local network=$1
			shift
			"$GUSCIO" run --userns=single --network "$network" -v "$PEER:/peer.py:ro" @host "$@"
		}
		ask() { inside slirp python3 /peer.py ask "$@"; }
		'"$1"
}

# An echo on the host's loopback; $port is its port.
echo_server() {
	port=$(python3 -c 'import socket
s=socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
	python3 "$PEER" echo "$port" >"$work/up" 3>&- &
	pids="${pids:-} $!"
	for _ in $(seq 100); do
		! grep -q up "$work/up" || return 0
		sleep 0.05
	done
	return 1
}

inside() { # NETWORK COMMAND...
	local network=$1
	shift
	timeout 100 "$GUSCIO" run --userns=single --network "$network" -v "$PEER:/peer.py:ro" @host "$@"
}

helper_of() { # pid of a starter
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		! tr '\0' ' ' <"/proc/$child/cmdline" | grep -q '^guscio-net: ' || echo "$child"
	done
}

# The words after "NAME:" in a process's status.
status_of() { # pid, name
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

@test "names are asked of the host's resolver, by datagram and stream; those of our own are not" {
	run -0 host 'resolver 127.0.0.53 192.0.2.7
		printf "nameserver 127.0.0.53\n" >/etc/resolv.conf
		inside slirp sh -c "
			python3 /peer.py ask 10.0.2.3 example.com
			python3 /peer.py ask fd00::3 example.com
			python3 /peer.py ask 10.0.2.3 example.com A tcp
			python3 /peer.py ask fd00::3 example.com A tcp
			python3 /peer.py ask 10.0.2.3 HOST.containers.internal A
			python3 /peer.py ask 10.0.2.3 host.containers.internal TXT
			python3 /peer.py ask 10.0.2.3 host.containers.internal A tcp"'
	[ "${lines[0]}" = "0 192.0.2.7 at once" ]
	[ "${lines[1]}" = "0 192.0.2.7 at once" ]
	[ "${lines[2]}" = "0 192.0.2.7 x400 at once" ]
	[ "${lines[3]}" = "0 192.0.2.7 x400 at once" ]
	[[ ${lines[4]} == "0 10.0.2.2 at once" ]]
	[ "${lines[5]}" = "0 at once" ]
	[[ ${lines[6]} == "0 10.0.2.2 at once" ]]
}

@test "a resolver that fails, refuses or is silent is followed by the next" {
	run -0 host 'resolver 127.0.0.3 192.0.2.3 fail
		resolver 127.0.0.4 192.0.2.4 silent
		resolver 127.0.0.5 192.0.2.5
		resolver 127.0.0.6 192.0.2.6 short
		printf "nameserver 127.0.0.3\nnameserver 127.0.0.5\n" >/etc/resolv.conf
		ask 10.0.2.3 fails.example
		printf "nameserver 127.0.0.9\nnameserver 127.0.0.5\n" >/etc/resolv.conf
		ask 10.0.2.3 refuses.example A udp
		ask 10.0.2.3 refuses.example A tcp
		printf "nameserver 127.0.0.4\nnameserver 127.0.0.5\n" >/etc/resolv.conf
		ask 10.0.2.3 silent.example
		printf "nameserver 127.0.0.6\n" >/etc/resolv.conf
		ask 10.0.2.3 long.example'
	[ "${lines[0]}" = "0 192.0.2.5 at once" ]
	[ "${lines[1]}" = "0 192.0.2.5 at once" ]
	[ "${lines[2]}" = "0 192.0.2.5 x400 at once" ]
	[ "${lines[3]}" = "0 192.0.2.5 after 2 s" ]
	[ "${lines[4]}" = "0 cut at once" ]
}

@test "without a resolver that answers a question fails: at once, or within five seconds" {
	run -0 host 'resolver 127.0.0.4 192.0.2.4 silent
		resolver 127.0.0.7 192.0.2.7 liar
		rm -f /etc/resolv.conf
		inside slirp python3 /peer.py ask 10.0.2.3 none.example
		: >/etc/resolv.conf
		ask 10.0.2.3 empty.example A tcp
		printf "nameserver 127.0.0.9\nnameserver 127.0.0.8\n" >/etc/resolv.conf
		ask 10.0.2.3 refused.example
		printf "nameserver 127.0.0.4\n" >/etc/resolv.conf
		ask 10.0.2.3 dead.example &
		first=$!
		printf "nameserver 127.0.0.7\n" >/etc/resolv.conf.2
		sleep 1
		mv /etc/resolv.conf.2 /etc/resolv.conf
		ask 10.0.2.3 lies.example >"$work/lies" &
		wait $first
		wait $!
		cat "$work/lies"'
	[ "${lines[0]}" = "2 at once" ]
	[ "${lines[1]}" = "2 at once" ]
	[ "${lines[2]}" = "2 at once" ]
	[[ ${lines[3]} =~ ^2\ after\ [45]\ s$ ]]
	[[ ${lines[4]} =~ ^2\ after\ [45]\ s$ ]]
}

@test "a resolv.conf that changes is followed: written, replaced, a link that leads elsewhere" {
	run -0 host 'for i in 1 2 3 4 5; do resolver 127.0.0.$i 192.0.2.$i; done
		printf "nameserver 127.0.0.1\n" >/etc/resolv.conf
		mkdir /etc/other
		mkfifo "$work/go"
		"$GUSCIO" run --userns=single --network slirp -v "$PEER:/peer.py:ro" -v "$work/go:/go" @host \
			sh -c "while read -r word; do python3 /peer.py ask 10.0.2.3 \$word.example; done </go" >"$work/said" &
		exec 9>"$work/go"
		next() { # number of lines by now
			echo "word$1" >&9
			for i in $(seq 100); do
				[ "$(wc -l <"$work/said")" -lt "$1" ] || return 0
				sleep 0.05
			done
			return 1
		}
		next 1
		printf "nameserver 127.0.0.2\n" >/etc/resolv.conf
		next 2
		printf "nameserver 127.0.0.3\n" >/etc/resolv.conf.new
		mv /etc/resolv.conf.new /etc/resolv.conf
		next 3
		printf "nameserver 127.0.0.4\n" >/etc/other/resolv.conf
		ln -s other/resolv.conf /etc/link
		mv /etc/link /etc/resolv.conf
		next 4
		printf "nameserver 127.0.0.5\n" >/etc/other/new
		mv /etc/other/new /etc/other/resolv.conf
		next 5
		rm /etc/resolv.conf
		next 6
		exec 9>&-
		cat "$work/said"'
	[ "$(grep -c 'at once$' <<<"$output")" -eq 6 ]
	for i in 1 2 3 4 5; do
		[ "${lines[i - 1]}" = "0 192.0.2.$i at once" ]
	done
	[ "${lines[5]}" = "2 at once" ]
}

@test "what goes through is whole: both families, large and small MTU, half-closed, datagrams in pieces" {
	echo_server
	for mtu in 1500 65520; do
		run -0 inside "slirp:mtu=$mtu,host-loopback=true" sh -c "
			python3 /peer.py exchange 10.0.2.2 $port && python3 /peer.py exchange fd00::2 $port"
		[ "$output" = $'whole\nwhole' ]
	done
	run -0 inside slirp:mtu=576,ipv6=false,host-loopback=true python3 /peer.py exchange 10.0.2.2 "$port"
	[ "$output" = whole ]
}

@test "whoever reads late gets all of it, and a reset comes through, both ways" {
	python3 "$PEER" moody >"$work/port" 3>&- &
	pids=$!
	for _ in $(seq 100); do
		[ ! -s "$work/port" ] || break
		sleep 0.1
	done
	for network in slirp:host-loopback=true slirp:host-loopback=true,mtu=1500; do
		run -0 inside $network python3 /peer.py moods 10.0.2.2 "$(cat "$work/port")"
		[ "${lines[0]}" = "written: 25165824 whole" ]
		[ "${lines[1]}" = "read: whole" ]
		[ "${lines[2]}" = "after nothing reset" ]
		[ "${lines[3]}" = "after word reset" ]
		[ "${lines[4]}" = "outside: reset" ]
	done
}

@test "what a program said last goes out when its container has ended; cut off, it does not look like all" {
	python3 "$PEER" late 1 6 >"$work/late" 3>&- &
	pids=$!
	for _ in $(seq 100); do
		[ ! -s "$work/late" ] || break
		sleep 0.1
	done
	port=$(head -1 "$work/late")
	run -0 inside slirp:host-loopback=true python3 /peer.py leave 10.0.2.2 "$port"
	# The second one is not read as long as anybody waits.
	"$GUSCIO" run --userns=single --network slirp:host-loopback=true -v "$PEER:/peer.py:ro" @host \
		python3 /peer.py leave 10.0.2.2 "$port" 1
	for _ in $(seq 120); do
		[ "$(wc -l <"$work/late")" -lt 3 ] || break
		sleep 0.1
	done
	[ "$(sed -n 2p "$work/late")" = "all ended" ]
	[ "$(sed -n 3p "$work/late")" = "part reset" ]
}

@test "a thousand connections at once, in little memory, and then the helper is quiet" {
	[ "$(ulimit -Hn)" -ge 2100 ] || skip "a hard limit of $(ulimit -Hn) descriptors"
	ulimit -n "$(ulimit -Hn)"
	echo_server
	"$GUSCIO" run --userns=single --network slirp:host-loopback=true -v "$PEER:/peer.py:ro" @host \
		python3 /peer.py many 10.0.2.2 "$port" 1000 30 >"$work/said" 3>&- &
	pids="$pids $!"
	starter=$!
	for _ in $(seq 200); do
		[ ! -s "$work/said" ] || break
		sleep 0.1
	done
	[ "$(cat "$work/said")" = 1000 ]
	helper=$(helper_of $starter)
	[ "$(status_of "$helper" VmRSS | tr -dc 0-9)" -lt 16384 ]
	sleep 4
	before=$(status_of "$helper" voluntary_ctxt_switches)
	sleep 5
	[ "$(status_of "$helper" voluntary_ctxt_switches)" -eq "$before" ]
	kill -9 $starter
}

@test "a flood of SYNs: memory stays bounded, and the next connection works" {
	echo_server
	run -0 inside slirp:host-loopback=true sh -c "
		python3 /peer.py flood 10.0.2.2 20000
		sleep 1
		python3 /peer.py many 10.0.2.2 $port 50"
	[ "$output" = $'flooded\n50' ]
}

@test "a flood of SYNs to one who takes nobody: sockets and memory have a limit" {
	local peak
	python3 "$PEER" deaf >"$work/port" 3>&- &
	pids=$!
	for _ in $(seq 100); do
		[ ! -s "$work/port" ] || break
		sleep 0.1
	done
	"$GUSCIO" run --userns=single --network slirp:host-loopback=true -v "$PEER:/peer.py:ro" @host \
		python3 /peer.py flood 10.0.2.2 20000 "$(cat "$work/port")" >"$work/said" 3>&- &
	pids="$pids $!"
	starter=$!
	for _ in $(seq 300); do
		[ ! -s "$work/said" ] || break
		sleep 0.1
	done
	[ "$(cat "$work/said")" = flooded ]
	helper=$(helper_of $starter)
	sleep 1
	peak=$(status_of "$helper" VmHWM | tr -dc 0-9)
	[ "$peak" -lt 98304 ] || { echo "$peak KiB"; return 1; }
	kill -9 $starter
}

@test "malformed frames: the helper is the same one after them, and the next connection works" {
	echo_server
	for network in slirp:host-loopback=true slirp:host-loopback=true,mtu=1500; do
		run -0 inside $network sh -c "python3 /peer.py junk 5000 && python3 /peer.py many 10.0.2.2 $port 5 &&
			python3 /peer.py many fd00::2 $port 5 && cat /sys/class/net/eth0/carrier"
		[ "$output" = $'sent\n5\n5\n1' ]
	done
}

@test "a host without IPv6: names and IPv4 work, IPv6 fails at once" {
	run -0 host 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		resolver 127.0.0.53 192.0.2.7
		printf "nameserver ::1\nnameserver 127.0.0.53\n" >/etc/resolv.conf
		inside slirp sh -c "
			python3 /peer.py ask fd00::3 example.com A tcp
			python3 /peer.py ask fd00::3 example.com
			python3 /peer.py connect 2001:db8::1 80
			python3 /peer.py connect fd00::2 80
			ping -q -c1 -W2 fd00::2 | grep received"'
	[ "${lines[0]}" = "0 192.0.2.7 x400 at once" ]
	[ "${lines[1]}" = "0 192.0.2.7 at once" ]
	[[ ${lines[2]} == *"unreachable at once" ]]
	[[ ${lines[3]} == *"at once" ]]
	[[ ${lines[4]} == *"1 received"* ]]
	[ "${#lines[@]}" -eq 5 ]
}

@test "the helper has no capabilities, no way to new ones, a filter, and a session of its own" {
	"$GUSCIO" run --userns=single --network slirp @host sleep 30 3>&- &
	pids=$!
	for _ in $(seq 100); do
		helper=$(helper_of $!)
		[ -z "$helper" ] || [ "$(status_of "$helper" Seccomp)" != 2 ] || break
		sleep 0.05
	done
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[ "$(status_of "$helper" $set)" = 0000000000000000 ]
	done
	[ "$(status_of "$helper" NoNewPrivs)" = 1 ]
	[ "$(status_of "$helper" Seccomp)" = 2 ]
	[ "$(cut -d' ' -f6 <"/proc/$helper/stat" | tr -d '\n')" = "$helper" ] ||
		[ "$(ps -o sid= -p "$helper" | tr -d ' ')" = "$helper" ]
	# What Ctrl-C sends to everybody is not for it.
	kill -INT "$helper"
	kill -HUP "$helper"
	sleep 0.2
	kill -0 "$helper"
	# It is no leak of the caller's files either: not even its own memory is readable.
	run ! cat "/proc/$helper/environ"
}

@test "no connection leads to the host's loopback, however it is addressed" {
	echo_server
	run -0 inside slirp sh -c "
		python3 /peer.py connect 10.0.2.2 $port
		python3 /peer.py connect fd00::2 $port
		python3 /peer.py connect 10.0.2.3 $port"
	[ "$output" = $'Network is unreachable at once\nNetwork is unreachable at once\nConnection refused at once' ]
	run -0 inside slirp:host-loopback=true python3 /peer.py connect 10.0.2.2 1
	[ "$output" = "Connection refused at once" ]
}
