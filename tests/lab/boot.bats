# SPDX-License-Identifier: Apache-2.0
# boot.bats - whole systems in containers, as an ordinary user

load guest

slice=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

# One that failed would take processor and memory from those behind it.
teardown() {
	"$GUSCIO" rm -f debian calls second 2>/dev/null || true
}

# A root whose init is a script.
with_init() { # name, script
	made=/home/lab/$1
	[ -d "$made" ] || make_root "$made"
	mkdir -p "$made/sbin"
	rm -f "$made/sbin/init"
	printf '#!/bin/sh\n%s\n' "$2" >"$made/sbin/init"
	chmod 755 "$made/sbin/init"
}

@test "Debian boots to its login prompt, runs a service, and powers off cleanly" {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(400)
while True:
    open(sys.argv[1] + ".said", "a").write(s.recv(4096).decode() + "\n")' "$BATS_TEST_TMPDIR/notify" 3>&- &
	listener=$!
	export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify SECONDS_LEFT=400
	"$GUSCIO" boot -d -it -m 512m --hostname inner --name debian /home/lab/debian
	# A login besides that on the console, which ends when that is told.
	(
		for _ in $(seq 350); do grep -qs "that is 42" "$BATS_TEST_TMPDIR/console" && break; sleep 1; done
		SECONDS_LEFT=60 python3 console.py 'root@inner:~#' 'tty; loginctl list-sessions --no-legend | cat; exit' \
			-- "$GUSCIO" shell -t root@debian >"$BATS_TEST_TMPDIR/tty"
		"$GUSCIO" shell root@debian sh -c 'id -un; echo "$HOME $XDG_SESSION_ID"; cat /proc/self/cgroup' >"$BATS_TEST_TMPDIR/shell"
		"$GUSCIO" exec debian cat /proc/self/cgroup >"$BATS_TEST_TMPDIR/exec" 2>&1
		"$GUSCIO" shell debian sh -c 'echo all said >/dev/console'
	) 3>&- &
	run python3 console.py \
		'inner login:' root \
		'root@inner:~#' 'systemctl is-system-running --wait; echo "id: $(cat /etc/machine-id)" "init: $(cat /proc/1/comm)" "virt: $(systemd-detect-virt)"' \
		'virt: ' 'systemd-run -q --wait --pipe sh -c "echo the service says hello; cat /proc/self/cgroup"; journalctl -q -o cat -u systemd-logind | head -n 1; ip -br address show eth0' \
		'10.0.2' 'systemctl --failed --no-legend --plain --no-pager; echo "that is $((6 * 7))"' \
		'all said' 'systemctl poweroff' \
		-- sh -c '"$1" attach debian | tee "$2"' sh "$GUSCIO" "$BATS_TEST_TMPDIR/console"
	kill $listener || true
	echo "$output" | tr -d '\r' | sed 's/^/| /' | tail -n 60
	sed 's/^/shell: /' "$BATS_TEST_TMPDIR/shell" "$BATS_TEST_TMPDIR/tty" "$BATS_TEST_TMPDIR/exec"
	[ "$("$GUSCIO" wait debian)" = 0 ]
	"$GUSCIO" rm debian
	[[ "$output" == *"virt: "*container-other* ]] || [[ "$output" == *"virt: guscio"* ]]
	[[ "$output" == *"the service says hello"*"0::/system.slice/run-"* ]]
	[[ "$output" =~ id:\ [0-9a-f]{32} ]]
	cat "$BATS_TEST_TMPDIR/notify.said"
	[ "$(grep -c READY=1 "$BATS_TEST_TMPDIR/notify.said")" -ge 1 ]
	# logind has heard of the logins by login and by su: each has a scope of its own.
	grep -q 'root.* pts/' "$BATS_TEST_TMPDIR/tty"
	[[ "$(cat "$BATS_TEST_TMPDIR/shell")" == root*"/root "[0-9c]*0::/user.slice/user-0.slice/session-* ]]
	grep -qx 0::/init.scope "$BATS_TEST_TMPDIR/exec"
	[ -z "$(find "$slice" -name 'guscio-*.scope')" ]
}

@test "an init has what the container interface says, and a cgroup of its own to divide" {
	with_init scripted 'echo "$container ${#container_uuid} $NOTIFY_SOCKET $$"; mkdir /sys/fs/cgroup/mine && echo divided
		test -S "$NOTIFY_SOCKET" && echo socket; test -c /dev/console && echo console; grep -E " /(run|tmp|run/lock) " /proc/mounts | cut -d" " -f2,3
		echo 1 2>/dev/null >/sys/fs/cgroup/memory.max || echo "limits stay"; echo "args: $*"'
	run -0 "$GUSCIO" boot -m 64m "$made" one two
	output=$(tr -d '\r' <<<"$output")
	[[ "$output" == *"guscio 36 /run/host/notify 1"* ]]
	for word in divided socket console "/run tmpfs" "/tmp tmpfs" "/run/lock tmpfs" "limits stay" "args: one two"; do
		[[ "$output" == *"$word"* ]] || { echo "no '$word' in: $output"; return 1; }
	done
}

@test "a stop signal of ours becomes the init's own, and an init that fails is said" {
	with_init stopping 'trap "echo stopped in order; exit 7" 37; echo up; while :; do sleep 0.2; done'
	run python3 console.py up @SIGTERM -- "$GUSCIO" boot "$made"
	[[ "$output" == *"stopped in order"*"status 7" ]]
	[[ "$output" == *"init ended with status 7 before it said that it was ready"* ]]
}

@test "reboot starts again and poweroff ends, in front and in the background" {
	with_init calls 'if [ -e /once ]; then rm /once; echo second; poweroff -f; else touch /once; echo first; reboot -f; fi; sleep 9'
	run -0 "$GUSCIO" boot "$made"
	[[ "$(tr -d '\r' <<<"$output")" == *first*second* ]]
	[ ! -e "$made/once" ]
	run -0 "$GUSCIO" boot -d --name calls "$made"
	run -0 timeout 60 "$GUSCIO" wait calls
	for _ in $(seq 50); do [ "$("$GUSCIO" inspect calls | grep -c '"Status": "exited"')" -eq 1 ] && break; sleep 0.2; done
	run -0 "$GUSCIO" logs calls
	[[ "$(tr -d '\r' <<<"$output")" == *first*second* ]]
	[ ! -e "$made/once" ]
	"$GUSCIO" rm calls
	for _ in $(seq 50); do [ -z "$(find "$slice" -name 'guscio-*.scope')" ] && break; sleep 0.1; done
	[ -z "$(find "$slice" -name 'guscio-*.scope')" ]
}

@test "an init that answers its stop with a reboot ends, and one that answers nothing is killed" {
	with_init inittab 'trap "echo stopping; reboot -f" INT; echo up; while :; do sleep 0.2; done'
	touch "$made/etc/inittab"
	run python3 console.py up @SIGTERM -- "$GUSCIO" boot "$made"
	[[ "$output" == *stopping*"status 0" ]]
	"$GUSCIO" boot -d --name calls "$made"
	for _ in $(seq 100); do [[ "$("$GUSCIO" logs calls)" == *up* ]] && break; sleep 0.1; done
	"$GUSCIO" stop -t 60 calls
	[ "$("$GUSCIO" inspect --format '{{.State.Status}} {{.State.ExitCode}}' calls)" = "exited 0" ]
	"$GUSCIO" rm calls
	run python3 console.py up @SIGTERM -- "$GUSCIO" boot --stop-signal USR1 --stop-timeout 2 "$made"
	[[ "$output" == *"status 137" ]]
}

@test "an image with an init boots, over its layers" {
	with_init layered 'echo "root is $(grep " / " /proc/mounts | cut -d" " -f3)"; cat /first /second; echo changed >/first; mkdir /sys/fs/cgroup/mine && echo divided; poweroff -f'
	echo one >"$made/first"
	tar -cf - -C "$made" . | "$GUSCIO" import - lab/first
	"$GUSCIO" create --name second lab/first true
	echo two >"$BATS_TEST_TMPDIR/second"
	"$GUSCIO" cp "$BATS_TEST_TMPDIR/second" second:/second
	"$GUSCIO" commit second lab/second
	"$GUSCIO" rm second
	for _ in 1 2; do
		run -0 "$GUSCIO" boot -m 64m lab/second
		[[ "$(tr -d '\r' <<<"$output")" == *"root is overlay"*one*two*divided* ]]
	done
	"$GUSCIO" rmi lab/second lab/first
}

@test "busybox's init boots with its own stop signal" {
	made=/home/lab/bbinit
	[ -d "$made" ] || make_root "$made"
	mkdir -p "$made/sbin"
	ln -sf /bin/busybox "$made/sbin/init"
	printf '::sysinit:/bin/echo busybox is up\n::shutdown:/bin/echo going down\n' >"$made/etc/inittab"
	run python3 console.py "busybox is up" @SIGTERM -- "$GUSCIO" boot "$made"
	[[ "$output" == *"going down"*"status 0" ]]
}

@test "run makes a system of an init, unless it is told not to" {
	with_init scripted2 'echo "ready? ${NOTIFY_SOCKET:-no} $$"'
	run -0 "$GUSCIO" run "$made" /sbin/init
	[[ "$output" == *"ready? /run/host/notify 1"* ]]
	run -0 "$GUSCIO" run --systemd=false "$made" /sbin/init
	[[ "$output" == *"ready? no 2"* ]]
	run -0 "$GUSCIO" run --systemd=always "$made" sh -c 'echo "$$ $NOTIFY_SOCKET"'
	[[ "$output" == *"1 /run/host/notify"* ]]
}

@test "what cannot be booted is refused with one line" {
	refused() { # status, text, words...
		local status_wanted=$1 text=$2
		shift 2
		run "-$status_wanted" "$GUSCIO" "$@"
		[ "$(grep -c ^guscio: <<<"$output")" -eq 1 ]
		[[ "$output" == *"$text"* ]]
	}
	mkdir -p "$root-none/bin"
	cp /bin/busybox "$root-none/bin/"
	refused 127 "the root has no init" boot "$root-none"
	refused 125 "boot needs a root" boot
	refused 125 "@host is no system" boot @host
	refused 125 "exclude each other" boot --systemd=false "$root"
	refused 125 "must be pid 1" boot --pid host "$root"
	refused 125 "root would not be you" boot --userns keep-id "$root"
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	refused 125 "cannot have a cgroup of its own" boot "$root-none"
	[ -z "$(find "$slice" -name 'guscio-*.scope')" ]
}
