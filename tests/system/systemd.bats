#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# systemd.bats - what guscio says to systemd, without a systemd: a socket takes what would reach it

load helpers

teardown() {
	[ -z "${listener:-}" ] || kill "$listener" 2>/dev/null || true
	remove_containers
	remove_all
}

run_d() {
	"$GUSCIO" run -d --userns=single --network=none "$@" 3>&-
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
	# The starter becomes it.
	for _ in $(seq 100); do
		monitor=$(pgrep -u "$(id -u)" -f "^guscio-monitor web $XDG_DATA_HOME") && break
		sleep 0.05
	done
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

@test "container: a whole system's word is handed on in the background too" {
	say_inside
	listen "$work/notify"
	run -0 run_d --systemd=always --cgroups=disabled --name web "$root" sh -c 'say "READY=1"; echo "$NOTIFY_SOCKET"; sleep 100'
	soon said READY=1
	soon sh -c "\"$GUSCIO\" logs web | grep -q /run/host/notify"
	said "MAINPID=$(pgrep -u "$(id -u)" -f "^guscio-monitor web $XDG_DATA_HOME")"
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

generator() {
	"${GUSCIO%/*}/helpers/guscio-user-generator" "$@"
}

# A file that describes something, in the directory that is guscio's own.
describe() { # name, lines...
	export XDG_CONFIG_HOME=$work/config
	mkdir -p "$work/config/guscio/systemd"
	local name=$1
	shift
	printf '%s\n' "$@" >"$work/config/guscio/systemd/$name"
}

@test "the generator makes units that systemd reads, and links for the targets that want them" {
	describe web.container '[Unit]' 'Description=Web' '[Container]' 'Image=nginx' 'Volume=data.volume:/data' \
		'Network=front.network' 'Exec=sh -c "echo $$HOME; sleep 1"' '[Install]' 'WantedBy=default.target'
	describe data.volume '[Volume]'
	describe front.network '[Network]' 'Internal=true'
	mkdir -p "$work/config/guscio/systemd/web.container.d" "$work/units"
	printf '[Container]\nEnvironment=A="b c"\n' >"$work/config/guscio/systemd/web.container.d/10-more.conf"
	run -0 generator "$work/units" "$work/early" "$work/late"
	[ -z "$output" ]
	[ ! -e "$work/early" ]
	[ "$(ls "$work/units")" = "data-volume.service
default.target.wants
front-network.service
web.service" ]
	[ "$(readlink "$work/units/default.target.wants/web.service")" = ../web.service ]
	grep -qF -- '--env "A=b c"' "$work/units/web.service" || grep -qF -- "--env \"A=b c\"" "$work/units/web.service"
	grep -q "^ExecStart=${GUSCIO%/*}/guscio run" "$work/units/web.service"
	grep -qx "Requires=data-volume.service" "$work/units/web.service"
	if command -v systemd-analyze >/dev/null; then
		run -0 systemd-analyze --user --man=no verify "$work"/units/*.service
		[ -z "$output" ]
	fi
}

@test "one bad file is said with its line, and keeps no other from its unit" {
	describe bad.container '[Container]' 'Image=nginx' 'PublishPorts=1:1'
	describe podman.container '[Container]' 'Image=nginx' 'PodmanArgs=--privileged'
	describe good.container '[Container]' 'Image=nginx'
	describe all.pod '[Pod]'
	mkfifo "$work/config/guscio/systemd/pipe.container"
	head -c 70000 /dev/zero | tr '\0' '#' >"$work/config/guscio/systemd/large.container"
	mkdir "$work/units"
	run -0 timeout 10 "${GUSCIO%/*}/helpers/guscio-user-generator" "$work/units"
	[ "$(ls "$work/units")" = good.service ]
	[[ "$output" == *"bad.container:3: unknown key 'PublishPorts'"*"did you mean PublishPort=?"* ]]
	[[ "$output" == *"podman.container:3: PodmanArgs= is refused"*GuscioArgs=* ]]
	[[ "$output" == *"all.pod: files of this kind are refused"* ]]
	[[ "$output" == *"large.container: it is no regular file of at most 64 KiB"* ]]
	[[ "$output" == *"pipe.container: it is no regular file"* ]]
	run -1 generator --dryrun
	[[ "$output" == *"---good.service---"*"ExecStart="* ]]
	run -0 generator "$work/nowhere"
	[[ "$output" == *"cannot write to"* ]]
}

@test "what the generator writes runs: a volume, a network, a container, its end" {
	describe web.container '[Container]' "Rootfs=$root" 'UserNS=single' 'Volume=data.volume:/data' 'Network=none' \
		"Exec=sh -c \"echo '100%%' >/data/said; sleep 100\"" 'ContainerName=web'
	describe data.volume '[Volume]' 'Label=a=b'
	mkdir "$work/units"
	run -0 generator "$work/units"
	# As systemd reads them: specifiers apart, which a test has no manager for.
	line_of() { # unit, key
		python3 -c 'import re, shlex, sys
text = open(sys.argv[1]).read().replace("\\\n", " ")
words = shlex.split(re.search("^" + sys.argv[2] + "=-?(.*)$", text, re.M)[1])
print("\n".join(w.replace("%%", "%") for w in words))' "$work/units/$1" "$2"
	}
	mapfile -t words < <(line_of data-volume.service ExecStart)
	run -0 "${words[@]}"
	[ "$("$GUSCIO" volume ls -q)" = systemd-data ]
	mapfile -t words < <(line_of web.service ExecStart)
	# Its output is the unit's, which is the journal.
	"${words[@]}" >"$work/journal" 2>&1 3>&-
	soon grep -qx '100%' "$XDG_DATA_HOME/guscio/volumes/systemd-data/_data/said"
	run -125 "$GUSCIO" logs web
	[[ "$output" == *"log driver is 'passthrough'"*"journalctl --user -u UNIT"* ]]
	mapfile -t words < <(line_of web.service ExecStop)
	run -0 "${words[@]}"
	soon sh -c "[ -z \"\$('$GUSCIO' ps -aq)\" ]"
	mapfile -t words < <(line_of web.service ExecStopPost)
	run -0 "${words[@]}"
}

@test "network create --ignore leaves a network of that name as it is" {
	run -0 "$GUSCIO" network create --subnet 10.88.7.0/24 back
	run -125 "$GUSCIO" network create --subnet 10.88.8.0/24 back
	run -0 "$GUSCIO" network create --ignore --subnet 10.88.8.0/24 back
	[ "$output" = back ]
	[[ "$("$GUSCIO" network inspect back)" == *10.88.7.0/24* ]]
}

# The words of a line of a unit, without what only a manager can put in.
words_of() { # file, key
	python3 -c 'import re, shlex, sys
text = open(sys.argv[1]).read().replace("\\\n", " ")
for line in re.findall("^" + sys.argv[2] + "=-?(.*)$", text, re.M):
    print("\n".join(w.replace("%%", "%").replace("$$", "$") for w in shlex.split(line)))' "$1" "$2"
}

@test "generate systemd: a unit that starts a container as it is, and one that makes it anew" {
	cd "$work"
	mkdir data
	run -0 --separate-stderr run_d --name web --rm=false --restart always --stop-timeout 3 -e 'A=50% $x' -v ./data:/data --cidfile cid --creds me:word ./root sh -c 'trap "exit 0" TERM; echo "$A" >>/data/said; while :; do sleep 0.1; done'
	id=$output
	run -0 "$GUSCIO" generate systemd web
	[[ "${lines[0]}" == "# container-$id.service" ]]
	[[ "$output" == *"Type=notify"*"KillMode=mixed"*"Restart=on-failure"*"TimeoutStopSec=63"* ]]
	[[ "$output" == *"ExecStart=$(realpath "${GUSCIO%/*}")/guscio start --sdnotify=conmon $id"*"stop -t 3 $id"*"WantedBy=default.target"* ]]
	[[ "$output" != *ExecStopPost* ]]
	run -0 "$GUSCIO" generate systemd --new --files --name --restart-policy always --restart-sec 5 -t 7 --after a.service --wants b.service web
	unit=$work/container-web.service
	[ "$output" = "$unit" ]
	grep -qx Restart=always "$unit" && grep -qx RestartSec=5 "$unit" && grep -qx After=a.service "$unit" && grep -qx Wants=b.service "$unit"
	grep -qx "WorkingDirectory=$work" "$unit" && grep -qx TimeoutStopSec=67 "$unit"
	! grep -qE -- '--restart|--cidfile|creds' "$unit"
	if command -v systemd-analyze >/dev/null; then
		run -0 systemd-analyze --user --man=no verify "$unit"
	fi
	# What it says works, from where it says.
	mapfile -t words < <(words_of "$unit" ExecStart)
	run -0 "${words[@]}" 3>&-
	[ "$output" != "$id" ]
	soon sh -c "[ \"\$(grep -cxF '50% \$x' data/said)\" -eq 2 ]"
	mapfile -t words < <(words_of "$unit" ExecStop)
	run -0 "${words[@]}"
	soon sh -c "[ -z \"\$('$GUSCIO' ps -aq)\" ]"
	mapfile -t words < <(words_of "$unit" ExecStopPost)
	run -0 "${words[@]}"
}

@test "generate systemd refuses what no unit could do" {
	run -0 run_d --name web --rm "$root" sleep 100
	run -125 "$GUSCIO" generate systemd web
	assert_one_line
	[[ "$output" == *"it is removed at its end"*--new* ]]
	run -0 "$GUSCIO" generate systemd --new --no-header --container-prefix '' --format json web
	[[ "$output" == *'.service": "[Unit]'* ]]
	run -125 "$GUSCIO" generate systemd --restart-policy sometimes web
	assert_one_line
	run -125 "$GUSCIO" generate systemd --after 'a b' web
	assert_one_line
	run -125 "$GUSCIO" generate systemd --separator '/' web
	assert_one_line
	run -125 "$GUSCIO" generate systemd nobody
	assert_one_line
}

@test "generate quadlet makes units without root's help, and takes back what it made before" {
	describe web.container '[Container]' 'Image=nginx' '[Install]' 'WantedBy=default.target' 'Alias=site.service'
	units=$XDG_RUNTIME_DIR/systemd/user
	mkdir -p "$units/default.target.wants"
	echo other >"$units/other.service"
	ln -s ../other.service "$units/default.target.wants/other.service"
	run -0 "$GUSCIO" generate quadlet
	[ -f "$units/web.service" ] && [ -L "$units/default.target.wants/web.service" ] && [ -L "$units/site.service" ]
	run -0 "$GUSCIO" generate quadlet
	[ -z "$output" ]
	rm "$work/config/guscio/systemd/web.container"
	run -0 "$GUSCIO" generate quadlet
	[ "$(cd "$units" && find . | sort | tr '\n' ' ')" = ". ./default.target.wants ./default.target.wants/other.service ./other.service " ]
	run -0 "$GUSCIO" generate quadlet --enable
	unit=$work/config/systemd/user/guscio-quadlet.service
	[ -f "$unit" ] && [ -e "$work/config/systemd/user/default.target.wants/guscio-quadlet.service" ]
	if command -v systemd-analyze >/dev/null; then
		run -0 systemd-analyze --user --man=no verify "$unit"
	fi
	run -0 "$GUSCIO" generate quadlet --disable
	[ ! -e "$unit" ] && [ ! -L "$work/config/systemd/user/default.target.wants/guscio-quadlet.service" ]
	describe bad.container '[Container]'
	run -1 "$GUSCIO" generate quadlet --dryrun
	[[ "$output" == *"bad.container:1: one of Image= and Rootfs= is needed"* ]]
	run -125 "$GUSCIO" generate quadlet --enable --disable
	assert_one_line
}

# A journal of a few lines: its socket in /run of a namespace of our own, its entries in
# $work/entries, and a journalctl that prints them as the real one does.
in_journal() { # script
	mkdir -p "$work/bin"
	cat >"$work/journal.py" <<'END'
import json, os, socket, struct, sys, time
def read(data):
    entry = {"__REALTIME_TIMESTAMP": str(int(time.time() * 1e6))}
    while data:
        line, data = data.split(b"\n", 1)
        if b"=" in line:
            name, value = line.split(b"=", 1)
        else:
            name, (n,) = line, struct.unpack("<Q", data[:8])
            value, data = data[8:8 + n], data[8 + n + 1:]
        try:
            text = value.decode()
            entry[name.decode()] = text if text.isprintable() else list(value)
        except UnicodeDecodeError:
            entry[name.decode()] = list(value)
    return entry
os.makedirs("/run/systemd/journal")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
out = open(sys.argv[1], "a", buffering=1)
while True:
    out.write(json.dumps(read(s.recv(65536))) + "\n")
END
	printf '#!/bin/sh\necho "$@" >>%s/asked\ncat %s/entries\ncase "$*" in *--follow*) exec sleep 100;; esac\n' "$work" "$work" >"$work/bin/journalctl"
	chmod 755 "$work/bin/journalctl"
	: >"$work/entries"
	# shellcheck disable=SC2016 # the inner shell's
	unshare --user --map-root-user --mount env PATH="$work/bin:$PATH" GUSCIO="$GUSCIO" work="$work" root="$root" bash -c '
		mount -t tmpfs journal /run && cd "$work" || exit 9
		python3 journal.py entries 3>&- &
		listener=$!
		for _ in $(seq 200); do [ -S /run/systemd/journal/socket ] && break; sleep 0.05; done
		soon() { for _ in $(seq 200); do "$@" && return; sleep 0.05; done; echo "not soon: $*"; return 1; }
		run_d() { "$GUSCIO" run -d --userns=single --network=none "$@" 3>&-; }
		set -e
		trap "kill $listener; \"\$GUSCIO\" rm -f web >/dev/null 2>&1" EXIT
		'"$1"
}

@test "--log-driver journald: entries with docker's fields, and logs reads them back" {
	unshare --user --map-root-user --mount mount -t tmpfs t /run 2>/dev/null || skip "no mount namespace here"
	run -0 in_journal '
		run_d --name web --log-driver journald -l a=b "$root" sh -c "echo hello; echo oops >&2; printf \"raw \\377\\n\"; head -c 20000 /dev/zero | tr \"\\000\" x; echo; printf \"no end\"" >id
		"$GUSCIO" wait web
		soon grep -q "no end" entries
		sed -n 1p entries
		"$GUSCIO" logs -f web >out 2>err
		cat err
		wc -c <out
		tail -c 7 out
		head -n 2 out | od -c | head -n 2
		"$GUSCIO" logs -n 5 --since 2026-01-31T12:00:00 -t web 2>/dev/null | head -n 1
		cat asked'
	echo "$output"
	id=$(cat "$work/id")
	[[ "${lines[1]}" == *"\"CONTAINER_ID\": \"${id:0:12}\", \"CONTAINER_ID_FULL\": \"$id\", \"CONTAINER_NAME\": \"web\", \"CONTAINER_TAG\": \"${id:0:12}\", \"SYSLOG_IDENTIFIER\": \"web\""*"\"PRIORITY\": \"6\", \"MESSAGE\": \"hello\""* ]]
	[[ "${lines[1]}" != *PARTIAL* ]]
	grep -q '"PRIORITY": "3", "MESSAGE": "oops"' "$work/entries"
	[ "${lines[2]}" = oops ]
	# Every byte is back: hello, raw and a byte, 20000 x in two entries, and what has no end.
	[ "${lines[3]}" = $((6 + 6 + 20001 + 6)) ]
	[[ "${lines[4]}" == *"no end0000000"* ]]
	[[ "$output" == *"raw"*"377"* || "$output" == *"r   a   w     377"* ]]
	[[ "$output" =~ 20[0-9][0-9]-[0-9-]+T[0-9:.]+Z\ hello ]]
	[[ "$output" == *"--output=json"*"--follow CONTAINER_ID_FULL=$id"* ]]
	[[ "$output" == *"--lines=5 --since=@1769860800.000000 CONTAINER_ID_FULL=$id"* ]]
	grep -c PARTIAL "$work/entries" | grep -qx 2
}

@test "--log-driver journald: a tag, and a journal that hangs keeps nobody from his work" {
	unshare --user --map-root-user --mount mount -t tmpfs t /run 2>/dev/null || skip "no mount namespace here"
	run -0 in_journal '
		run_d --name web --log-driver journald --log-opt "tag={{.Name}}/{{.ID}}-x" "$root" sh -c "echo one; sleep 0.5; yes | head -n 3000; echo done >/done; sleep 100"
		soon grep -q one entries
		kill -STOP $listener
		soon test -e "$root/done"
		timeout 8 "$GUSCIO" stop -t 1 web
		kill -CONT $listener
		cat entries | head -n 1'
	[[ "$output" == *'"CONTAINER_TAG": "web/'*'-x", "SYSLOG_IDENTIFIER": "web/'* ]]
}

@test "--log-driver journald without a journal is refused, and so are options of other drivers" {
	[ ! -S /run/systemd/journal/socket ] || skip "this machine has a journal"
	run -125 run_d --log-driver journald "$root" true
	assert_one_line
	[[ "$output" == *"there is no journal for --log-driver journald"*json-file* ]]
	[ -z "$("$GUSCIO" ps -aq)" ]
	run -125 run_d --log-driver journald --log-opt max-size=1m "$root" true
	assert_one_line
	run -125 run_d --log-opt tag=x "$root" true
	assert_one_line
}

@test "a monitor that comes later is not the unit's where the command for it is" {
	run -0 run_d --sdnotify=healthy --health-cmd 'test -e /well' --health-interval 200ms --name web "$root" sleep 100
	monitor=$(pgrep -u "$(id -u)" -f "^guscio-monitor web $XDG_DATA_HOME")
	kill -9 "$monitor"
	listen "$work/notify"
	soon sh -c "'$GUSCIO' ps -q 3>&- | grep -q . && pgrep -u $(id -u) -f '^guscio-monitor web $XDG_DATA_HOME' | grep -vqx $monitor"
	touch "$root/well"
	soon sh -c "[ \"\$('$GUSCIO' inspect --format '{{.State.Health.Status}}' web)\" = healthy ]"
	sleep 0.5
	! grep -qE "READY|MAINPID" "$work/said"
}
