#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# foreground.bats - containers in somebody's foreground, seen and handled by other commands

load helpers

teardown() {
	remove_containers
	remove_all
}

# In the background of this test, which does not make it less of a foreground one.
begin() { # name, options and command...
	"$GUSCIO" run --userns=single --network=none --name "$@" 3>&- &
	starter=$!
	soon sh -c "'$GUSCIO' ps -q --filter 'name=$1' | grep -q ."
}

answer='trap "exit 7" TERM; echo up >/tmp/up; while :; do sleep 0.05; done'

@test "ps, inspect, top, exec: as of a container in the background" {
	cd "$work" && mkdir more && touch more/file
	begin web -l a=b -e X=y --cap-drop all -v ./more:/mnt --tmpfs /tmp "$root" sh -c "$answer"
	cd /
	run -0 "$GUSCIO" ps
	[[ ${lines[1]} == *"$root"*'"sh -c trap '*"Up "*web ]]
	[ "$("$GUSCIO" ps --filter label=a=b --format '{{.Names}} {{.State}} {{.Mounts}} {{.Networks}}')" = \
		"web running $work/./more none" ]
	id=$("$GUSCIO" ps -q --no-trunc)
	"$GUSCIO" inspect "${id:0:9}" | python3 -c 'import json,sys
c, = json.load(sys.stdin)
assert c["Id"] == sys.argv[1] and c["Name"] == "/web" and c["Path"] == "sh" and c["State"]["Running"] is True
assert c["Config"]["Labels"] == {"a": "b"} and "X=y" in c["Config"]["Env"] and c["BundlePath"] == ""
assert c["HostConfig"]["AutoRemove"] is True and c["Mounts"][0]["Destination"] == "/mnt"' "$id"
	run -0 "$GUSCIO" top web
	[[ $output == *"guscio-init"*"sh -c trap"* ]]
	soon "$GUSCIO" exec web test -e /tmp/up
	run -0 "$GUSCIO" exec -e Z=z web sh -c 'id -u; echo $X $Z; ls /mnt; hostname'
	[ "${lines[*]}" = "0 y z file web" ]
	of='grep -E ^(CapBnd|CapEff|NoNewPrivs|Seccomp): /proc/self/status'
	pid=$("$GUSCIO" inspect -f '{{.State.Pid}}' web)
	[ "$("$GUSCIO" exec web $of)" = "$(sed -nE '/^(CapBnd|CapEff|NoNewPrivs|Seccomp):/p' /proc/"$(pgrep -P "$pid")"/status)" ]
	run -3 "$GUSCIO" exec web sh -c 'exit 3'
	echo there >"$work/more/other"
	run -0 "$GUSCIO" cp web:/mnt/other "$work/copied"
	[ "$(cat "$work/copied")" = there ]
	run -0 "$GUSCIO" run --userns=single --network=none --volumes-from web "$root" cat /mnt/other
	[ "$output" = there ]
	run -0 "$GUSCIO" kill -s TERM web
	wait $starter && false || [ $? -eq 7 ]
	[ -z "$("$GUSCIO" ps -aq)" ]
	assert_nothing_left
}

@test "who asks for one that has just begun waits until it can be seen" {
	for n in 1 2 3 4 5; do
		"$GUSCIO" run --userns=single --network=none --name "run$n" "$root" sleep 100 3>&- &
		until [ -L "$XDG_RUNTIME_DIR/guscio/names/run$n" ]; do :; done
		run -0 "$GUSCIO" exec "run$n" echo there
		[ "$output" = there ]
		run -0 "$GUSCIO" rm -f "run$n"
		wait $! || true
	done
	assert_nothing_left
}

@test "stop, wait, rm -f and kill end it; wait knows the exit code" {
	begin a --tmpfs /tmp "$root" sh -c "$answer"
	soon "$GUSCIO" exec a test -e /tmp/up
	"$GUSCIO" wait a >"$work/code" 3>&- &
	waiting=$!
	soon sh -c "ls '$XDG_RUNTIME_DIR'/guscio/*/wait.*"
	run -125 "$GUSCIO" rm a
	assert_one_line
	run -0 "$GUSCIO" stop a
	[ "$output" = a ]
	wait $starter && false || [ $? -eq 7 ]
	wait $waiting
	[ "$(cat "$work/code")" = 7 ]
	assert_nothing_left
	begin deaf --stop-timeout 1 "$root" sh -c 'trap "" TERM; while :; do sleep 1; done'
	run -0 "$GUSCIO" stop deaf
	wait $starter && false || [ $? -eq 137 ]
	begin b "$root" sleep 100
	# Without a name, by the beginning of its id.
	"$GUSCIO" run --userns=single --network=none "$root" sleep 100 3>&- &
	other=$!
	soon sh -c "[ \$('$GUSCIO' ps -q | wc -l) = 2 ]"
	id=$("$GUSCIO" ps -q | head -n 1)
	[ "$("$GUSCIO" ps --filter "id=$id" --format '{{.Names}}')" = "$id" ]
	run -0 "$GUSCIO" rm -f "${id:0:10}" b
	wait $starter && false || [ $? -eq 137 ]
	wait $other && false || [ $? -eq 137 ]
	run -125 "$GUSCIO" stop b
	assert_one_line
	[[ $output == *"no container 'b'"* ]]
	assert_nothing_left
}

@test "the starter killed: nothing stale is shown, and who waits is told" {
	begin a "$root" sleep 100
	"$GUSCIO" wait a >"$work/code" 3>&- &
	waiting=$!
	soon sh -c "ls '$XDG_RUNTIME_DIR'/guscio/*/wait.*"
	kill -9 $starter
	wait $starter || true
	wait $waiting
	[ "$(cat "$work/code")" = 137 ]
	soon sh -c "[ -z \"\$('$GUSCIO' ps -aq)\" ]"
	run -125 "$GUSCIO" exec a true
	assert_one_line
	run -0 run_one --network=none --name a "$root" true
	sleep 2.5
	run -0 run_one "$root" true
	assert_nothing_left
}

@test "secrets: variables are there for exec too, and nowhere to be read" {
	printf hidden | "$GUSCIO" secret create word -
	begin a --secret word --secret word,type=env,target=WORD "$root" sleep 100
	[ "$("$GUSCIO" exec a sh -c 'echo $WORD; cat /run/secrets/word')" = $'hidden\nhidden' ]
	! grep -r hidden "$XDG_RUNTIME_DIR/guscio"
	"$GUSCIO" rm -f a
	wait $starter || true
}

@test "what it cannot do is said in one line; names are one holder's" {
	begin one "$root" sleep 100
	for command in logs start restart attach diff "generate systemd"; do
		run -125 "$GUSCIO" $command one
		assert_one_line
		[[ $output == *"container 'one'"* ]]
	done
	"$GUSCIO" create --userns=single --name kept "$root" true
	run -125 "$GUSCIO" rename one kept
	assert_one_line
	run -125 "$GUSCIO" create --userns=single --name one "$root" true
	assert_one_line
	run -0 "$GUSCIO" rename one two
	[ "$("$GUSCIO" ps --format '{{.Names}}')" = two ]
	run -125 "$GUSCIO" exec one true
	run -0 "$GUSCIO" exec two true
	run -0 run_one --name one --network=none "$root" true
	run -125 run_one --name two --network=none "$root" true
	assert_one_line
	run -0 "$GUSCIO" stop -a -t 0
	wait $starter && false || [ $? -eq 137 ]
	[ -z "$(ls "$XDG_RUNTIME_DIR/guscio/names")" ]
	run -0 run_one --name two --network=none "$root" true
	begin c "$root" sleep 100
	run -0 "$GUSCIO" run -d --replace --userns=single --network=none --name c "$root" sleep 99 3>&-
	wait $starter && false || [ $? -eq 143 ]
	[ "$("$GUSCIO" ps --no-trunc --format '{{.Command}}')" = '"sleep 99"' ]
}
