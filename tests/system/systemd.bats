#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# systemd.bats - what guscio says to systemd, without a systemd: a socket takes what would reach it

load helpers

teardown() {
	[ -z "${listener:-}" ] || kill "$listener" 2>/dev/null || true
	for id in $("$GUSCIO" ps -aq 2>/dev/null); do "$GUSCIO" rm -f "$id" >/dev/null 2>&1 || true; done
	"$GUSCIO" unshare rm -rf "$work/root" "$work/data" "$work/cache" "$work/more" 2>/dev/null || true
	rm -rf "$work"
}

run_d() {
	"$GUSCIO" run -d --userns=single --network=none "$@" 3>&-
}

# Until a command succeeds: at most ten seconds.
soon() {
	for _ in $(seq 200); do "$@" && return; sleep 0.05; done
	echo "not soon: $*"
	return 1
}

# Messages go to $work/said, one line each.
listen() { # path, or @name
	export NOTIFY_SOCKET=$1
	python3 -c 'import os, socket, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + path[1:] if path[0] == "@" else path)
out = open(sys.argv[2], "a", buffering=1)
out.write("listens\n")
while True:
    out.write(s.recv(4096).decode() + "\n")' "$1" "$work/said" 3>&- &
	listener=$!
	soon grep -q listens "$work/said"
}

said() { # line
	grep -qxF "$1" "$work/said"
}

# busybox has no datagrams for sockets with a path.
say_inside() {
	cat >"$work/say.c" <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	strncpy(to.sun_path, getenv("NOTIFY_SOCKET"), sizeof(to.sun_path) - 1);
	return argc < 2 || sendto(fd, argv[1], strlen(argv[1]), 0, (struct sockaddr *)&to, sizeof(to)) < 0;
}
END
	gcc -static -o "$root/bin/say" "$work/say.c" || skip "no static libc to build the test's program with"
}

@test "conmon: ready when the program runs, with the monitor as main process" {
	listen "$work/notify"
	run -0 run_d --sdnotify=conmon --name web "$root" sh -c 'echo "socket ${NOTIFY_SOCKET:-none}"; sleep 100'
	soon said READY=1
	monitor=$(pgrep -u "$(id -u)" -f "^guscio-monitor web $XDG_DATA_HOME")
	said "MAINPID=$monitor"
	soon sh -c "\"$GUSCIO\" logs web | grep -q 'socket none'"
}

@test "container: the program's own word is handed on, and nothing that it may not say" {
	say_inside
	listen "@guscio-test-$$"
	run -0 run_d --name web --read-only "$root" sh -c 'sleep 0.5; say "$(printf "MAINPID=1\nFDSTORE=1\nSTATUS=all\033 well\nREADY=1")"; sleep 100'
	soon grep -q "^MAINPID=" "$work/said"
	! said READY=1
	soon said READY=1
	said "STATUS=all  well"
	! grep -qx "MAINPID=1" "$work/said"
	! grep -q FDSTORE "$work/said"
	# The same for a start later, also one that the monitor makes.
	"$GUSCIO" stop -t 1 web
	: >"$work/said"
	run -0 "$GUSCIO" start web 3>&-
	soon said READY=1
}

@test "container in the foreground: the program's word is handed on there too" {
	say_inside
	listen "$work/notify"
	run -0 run_one --network=none "$root" say READY=1
	soon said READY=1
	! grep -q MAINPID "$work/said"
	: >"$work/said"
	run -0 run_one --network=none --sdnotify=conmon "$root" sh -c 'echo "${NOTIFY_SOCKET:-none}"'
	[ "$output" = none ]
	soon said READY=1
}

@test "healthy: ready when the first check is passed, and said once" {
	listen "$work/notify"
	run -0 run_d --sdnotify=healthy --health-cmd 'test -e /well' --health-interval 100ms --name web "$root" sleep 100
	soon grep -q "^MAINPID=" "$work/said"
	sleep 0.5
	! said READY=1
	touch "$root/well"
	soon said READY=1
	sleep 0.5
	[ "$(grep -cx READY=1 "$work/said")" -eq 1 ]
	run -125 run_d --sdnotify=healthy "$root" true
	assert_one_line
	[[ "$output" == *"needs a --health-cmd"* ]]
	run -125 run_one --sdnotify=healthy "$root" true
	[[ "$output" == *"needs a --health-cmd"* ]]
}

@test "ignore, and without a socket: nothing is said, and nothing is inside" {
	listen "$work/notify"
	run -0 run_d --sdnotify=ignore --name web "$root" sh -c 'echo "socket ${NOTIFY_SOCKET:-none}"; ls /dev'
	soon sh -c "\"$GUSCIO\" logs web | grep -q 'socket none'"
	! grep -qE "READY|MAINPID" "$work/said"
	unset NOTIFY_SOCKET
	run -0 run_one "$root" sh -c 'echo "${NOTIFY_SOCKET:-none}"; ls /dev'
	[ "${lines[0]}" = none ]
	[[ "$output" != *notify* ]]
	run -125 run_one --sdnotify=maybe "$root" true
	assert_one_line
}

@test "the monitor ends with the program's code, and with 0 after a stop that was asked for" {
	export code=$work/code
	# A parent that adopts the monitor sees its end, as systemd does.
	cat >"$work/adopt.py" <<'END'
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(os.waitstatus_to_exitcode(os.wait()[1])))
END
	adopt() { # options and program
		rm -f "$code"
		python3 "$work/adopt.py" "$code" "$GUSCIO" run -d --userns=single --network=none "$@" 3>&- &
	}
	adopt --rm "$root" sh -c 'exit 7'
	soon test -s "$code"
	[ "$(cat "$code")" = 7 ]
	soon sh -c "[ -z \"\$('$GUSCIO' ps -aq)\" ]"
	adopt --name web "$root" sleep 100
	soon sh -c "'$GUSCIO' ps | grep -q web"
	run -0 "$GUSCIO" stop web
	soon test -s "$code"
	[ "$(cat "$code")" = 0 ]
}
