# SPDX-License-Identifier: Apache-2.0
# autostart.bats - containers that systemd starts, is told of, stops, and keeps the log of
#
# The file "before" has put a container's description where it belongs, started lab's manager
# as at boot, and logged lab in and out. First of all files by its name: the others look
# whether any cgroup of guscio's is left.

load guest

slice=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

teardown_file() {
	systemctl --user stop web own 2>/dev/null || true
	"$GUSCIO" rm -f survivor box noted note >/dev/null 2>&1 || true
}

shows() { # unit, property=value
	systemctl --user show -p "${2%%=*}" "$1" | grep -qxF "$2"
}

soon() {
	for _ in $(seq 150); do "$@" && return; sleep 0.2; done
	echo "not soon: $*"
	return 1
}

nothing_left_of() { # unit, container
	systemctl --user is-active -q "$1" && return 1
	[ -z "$("$GUSCIO" ps -aq --filter "name=$2")" ] && [ -z "$(find "$slice" -path "*$1*" -name cgroup.procs -exec cat {} +)" ] &&
		! pgrep -f "^guscio-monitor $2 "
}

@test "a .container file's unit was started with the manager, and is ready since the program said so" {
	shows web ActiveState=active || { systemctl --user status web; journalctl -q --user -u web | tail -n 20; false; }
	shows web SubState=running
	monitor=$(pgrep -f "^guscio-monitor systemd-web ")
	shows web "MainPID=$monitor"
	started=$(tail -n 1 "$HOME/.local/share/guscio/volumes/systemd-kept/_data/started")
	ready=$(date -d "$(systemctl --user show -p ActiveEnterTimestamp --value web)" +%s)
	[ "$ready" -gt "$started" ]
	# All of it is in the unit's own cgroup, which was delegated, with its limit.
	find "$slice/app.slice/web.service" -name memory.max -exec cat {} + | grep -qx 67108864
	shows web "StatusText=well"
	run -0 journalctl -q --user -u web -o cat
	[[ "$output" == *"it is up"* ]]
	run -0 journalctl -q -b -o cat _UID=1000
	[[ "$output" == *"bad.container:2: PodmanArgs= is refused"* ]]
}

@test "restart makes it anew, reload and stop are as everywhere, and nothing is left" {
	before=$(pgrep -f "^guscio-monitor systemd-web ")
	systemctl --user restart web
	[ "$(pgrep -f "^guscio-monitor systemd-web ")" != "$before" ]
	# A program that is killed is a failure, after which Restart= acts.
	"$GUSCIO" exec systemd-web sh -c 'kill -9 -1' || true
	soon shows web NRestarts=1
	soon shows web ActiveState=active
	systemctl --user stop web
	shows web Result=success
	nothing_left_of web.service systemd-web
	[ -d "$HOME/.local/share/guscio/volumes/systemd-kept/_data" ]
}

@test "generate systemd: a unit that works, as it is and anew" {
	units=$HOME/.config/systemd/user
	mkdir -p "$units"
	"$GUSCIO" create --name box --userns single --network none "$root" sleep 1000
	(cd "$units" && "$GUSCIO" generate systemd --files --name box && "$GUSCIO" generate systemd --new --files --name --container-prefix fresh box)
	systemctl --user start container-box
	shows container-box ActiveState=active
	[ "$("$GUSCIO" inspect --format '{{.State.Status}}' box)" = running ]
	systemctl --user stop container-box
	shows container-box Result=success
	[ "$("$GUSCIO" inspect --format '{{.State.Status}}' box)" = exited ]
	systemctl --user start fresh-box
	shows fresh-box ActiveState=active
	systemctl --user stop fresh-box
	shows fresh-box Result=success
	nothing_left_of fresh-box.service box
}

@test "generate quadlet --enable does without the generator in root's directory" {
	mkdir -p "$HOME/.config/guscio/systemd"
	printf '[Container]\nRootfs=%s\nUserNS=single\nNetwork=none\nExec=sleep 1000\n[Install]\nWantedBy=default.target\n' "$root" >"$HOME/.config/guscio/systemd/own.container"
	run -0 "$GUSCIO" generate quadlet --enable
	systemctl --user start guscio-quadlet
	[ -e "$XDG_RUNTIME_DIR/systemd/user/own.service" ]
	soon shows own ActiveState=active
	shows own "FragmentPath=$XDG_RUNTIME_DIR/systemd/user/own.service"
	systemctl --user stop own guscio-quadlet
	"$GUSCIO" generate quadlet --disable
	rm "$HOME/.config/guscio/systemd/own.container"
	nothing_left_of own.service systemd-own
}

@test "the journal keeps a log with docker's fields, and logs reads it back" {
	"$GUSCIO" run -d --name noted --userns single --network none --log-driver journald "$root" sh -c 'echo to the journal; echo to its errors >&2; sleep 1; printf "no end"'
	run -0 timeout 60 "$GUSCIO" logs -f noted
	[[ "$output" == *"to the journal"* && "$output" == *"to its errors"* && "$output" == *"no end" ]]
	id=$("$GUSCIO" inspect --format '{{.Id}}' noted)
	run -0 journalctl -q -o json "CONTAINER_ID_FULL=$id" PRIORITY=3
	[[ "$output" == *"\"CONTAINER_NAME\":\"noted\""* && "$output" == *"to its errors"* && "$output" == *"\"CONTAINER_ID\":\"${id:0:12}\""* ]]
	"$GUSCIO" rm -f noted
}

@test "a container of a login lives on after the logout, where all else of it is ended" {
	grep -q '/session-.*\.scope' "$HOME/session-cgroup"
	[ ! -e "/proc/$(cat "$HOME/session-sleep")" ]
	cat "$HOME/survivor-notes"
	[ ! -s "$HOME/survivor-notes" ]
	[ "$("$GUSCIO" inspect --format '{{.State.Status}}' survivor)" = running ]
	pgrep -f "^guscio-monitor survivor "
	run -0 "$GUSCIO" stop -t 1 survivor
	"$GUSCIO" rm survivor
	soon sh -c "[ -z \"\$(find $slice -name 'container-*.scope')\" ]"
}

@test "--restart says what ends it at logout, to who does not linger" {
	cat "$HOME/linger-note"
	[ "$(cat "$HOME/linger-note")" = "guscio: note: --restart always ends with your last session: loginctl enable-linger lets your containers live on
note" ]
	run -0 --separate-stderr "$GUSCIO" create --name note --restart always --userns single "$root" true
	[ -z "$stderr" ]
	"$GUSCIO" rm note
}
