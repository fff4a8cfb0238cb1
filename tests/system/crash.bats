#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# crash.bats - kill -9 at every step of a start, a stop and a removal; many containers at once

load helpers

teardown() {
	unset GUSCIO_FAULT
	remove_containers
	remove_all
}

run_d() {
	timeout 20 "$GUSCIO" run -d --userns=single --network=none --overlay "$@" 3>&-
}

# Every process of ours that mentions this test's place, the container's own included.
processes() {
	pgrep -u "$(id -u)" -f "$work|sleep 4242" | grep -v "^$$\$" || true
}

no_processes() {
	[ -z "$(processes)" ]
}

# Whatever happened: it can be listed, removed by force, and its name used again.
assert_consistent() { # place
	unset GUSCIO_FAULT
	timeout 20 "$GUSCIO" ps -a >"$work/ps" || { echo "$1: ps failed"; return 1; }
	if grep -q ' c$' "$work/ps"; then
		grep -qE ' (Up|Exited|Created|Restarting) ?' "$work/ps" || { echo "$1: $(cat "$work/ps")"; return 1; }
		timeout 20 "$GUSCIO" rm -f c >/dev/null || { echo "$1: rm failed"; return 1; }
	fi
	soon no_processes || { echo "$1: left $(ps -o args= -p $(processes))"; return 1; }
	run_d --name c "$root" sleep 4242 >/dev/null || { echo "$1: the name is lost"; return 1; }
	timeout 20 "$GUSCIO" exec c true || { echo "$1: no exec"; return 1; }
	timeout 20 "$GUSCIO" stop -t 1 c >/dev/null && timeout 20 "$GUSCIO" rm c >/dev/null || return 1
	! find "$XDG_DATA_HOME/guscio/containers" -mindepth 1 -name 'rm.*' | grep . || { echo "$1: rubbish"; return 1; }
}

@test "killed at every step of a start" {
	for place in create:directory create:document create:record \
		"start:overlay directory" "start:system call filter" start:clone "start:write down container" \
		start:go "start:claim name" "start:write files" "start:files ready" "start:write record" start:running \
		"child:tie to parent" "child:open root" "child:become root" "child:root from overlay" child:mount \
		child:pivot "child:detach old root" "child:mask paths" "child:session and terminal" "child:program's ids" "child:install filter" \
		child:exec monitor:executed monitor:begun; do
		GUSCIO_FAULT=$place run_d --name c "$root" sleep 4242 >/dev/null 2>"$work/err" || true
		assert_consistent "$place"
	done
	# What was given up before it had a record goes after a while.
	sleep 2.5
	"$GUSCIO" ps -a >/dev/null
	"$GUSCIO" create --userns=single --name d "$root" true >/dev/null
	"$GUSCIO" rm d
	[ -z "$(find "$XDG_DATA_HOME/guscio/containers" -mindepth 1 -maxdepth 1 -type d ! -name names)" ]
}

@test "killed at every step of an end" {
	for place in stop:locked stop:marked stop:ended monitor:end monitor:drained monitor:recorded; do
		GUSCIO_FAULT=$([[ $place == monitor* ]] && echo "$place") run_d --name c "$root" sleep 4242 >/dev/null
		GUSCIO_FAULT=$place timeout 20 "$GUSCIO" stop -t 1 c >/dev/null 2>&1 || true
		assert_consistent "$place"
	done
	for place in monitor:start monitor:end; do
		GUSCIO_FAULT=$place run_d --restart always --name c "$root" true >/dev/null || true
		sleep 0.4
		assert_consistent "$place"
	done
}

@test "killed at every step of a removal" {
	for place in rm:moved rm:overlay rm:upper rm:work; do
		run_d --name c "$root" sh -c 'mkdir -p /a/b; touch /a/b/c; exec sleep 4242' >/dev/null
		soon timeout 5 "$GUSCIO" exec c test -e /a/b/c
		timeout 20 "$GUSCIO" stop -t 1 c >/dev/null
		GUSCIO_FAULT=$place timeout 20 "$GUSCIO" rm c >/dev/null 2>&1 || true
		assert_consistent "$place"
	done
	GUSCIO_FAULT=monitor:rm run_d --rm --name c "$root" sleep 0.1 >/dev/null
	sleep 0.4
	assert_consistent monitor:rm
}

is_watched_over() {
	timeout 20 "$GUSCIO" exec c true 2>/dev/null 3>&-
	pgrep -u "$(id -u)" -f "^guscio-monitor c $XDG_DATA_HOME" >/dev/null
}

@test "killed while another monitor takes the place of one that was killed" {
	for place in adopt:locked adopt:recorded monitor:executed monitor:begun; do
		run_d --name c "$root" sleep 4242 >/dev/null
		soon pgrep -u "$(id -u)" -f "^guscio-monitor c $XDG_DATA_HOME" >/dev/null
		kill -9 "$(pgrep -u "$(id -u)" -f "^guscio-monitor c $XDG_DATA_HOME")"
		GUSCIO_FAULT=$place timeout 20 "$GUSCIO" ps >/dev/null 2>&1 3>&-
		# The one that dies at that place may be met alive.
		soon is_watched_over
		assert_consistent "$place"
	done
}

# GUSCIO_SOAK=N makes all of the following N times as long, for a run by hand.
soak=${GUSCIO_SOAK:-1}

nothing_of_this_test() {
	no_processes && ! grep -q "$work" /proc/self/mountinfo
}

@test "soak: 200 containers made, run, stopped and removed in parallel loops" {
	loop() { # number
		for k in $(seq $((50 * soak))); do
			name="s$1x$k"
			run_d --name "$name" "$root" sh -c 'echo out; sleep 4242' || return 1
			timeout 20 "$GUSCIO" stop -t 0 "$name" || return 1
			timeout 20 "$GUSCIO" rm "$name" || return 1
		done
	}
	pids=
	for i in 1 2 3 4; do
		loop $i >"$work/loop$i" 2>&1 3>&- &
		pids="$pids $!"
	done
	for pid in $pids; do wait "$pid" || { cat "$work"/loop*; false; }; done
	soon nothing_of_this_test
	[ -z "$(find "$XDG_DATA_HOME/guscio/containers" -mindepth 1 ! -name names)" ]
	assert_nothing_left
}

@test "soak: 500 run --rm true at once" {
	for round in $(seq "$soak"); do
		pids=
		for i in $(seq 500); do
			"$GUSCIO" run --rm --userns=single --network=none "$root" true 2>>"$work/errors" 3>&- &
			pids="$pids $!"
		done
		for pid in $pids; do wait "$pid" || { cat "$work/errors"; false; }; done
	done
	[ ! -s "$work/errors" ]
	soon nothing_of_this_test
	[ -z "$("$GUSCIO" ps -aq)" ]
	assert_nothing_left
}

@test "soak: a log of 64 MB with rotation keeps its bounds and its end, and the monitor its size" {
	head -c 1048576 /dev/zero | tr '\0' x | fold -w 99 >"$root/megabyte"
	run_d --name c --log-opt max-size=4m --log-opt max-file=3 "$root" \
		sh -c "for i in \$(seq $((64 * soak))); do cat /megabyte; done; echo; echo the end; sleep 4242"
	directory=$XDG_DATA_HOME/guscio/containers/$("$GUSCIO" ps -q --no-trunc)
	for _ in $(seq $((600 * soak))); do
		grep -q 'the end' "$directory/container.log" && break
		size=$(cat "$directory"/container.log* 2>/dev/null | wc -c)
		[ "$size" -le 13000000 ] || { echo "$size bytes"; false; }
		sleep 0.1
	done
	[ "$("$GUSCIO" logs --tail 1 c)" = "the end" ]
	[ "$(ls "$directory" | grep -c '^container.log')" -eq 3 ]
	rss=$(sed -nE 's/^RssAnon:[^0-9]*([0-9]+).*/\1/p' "/proc/$(pgrep -u "$(id -u)" -f "^guscio-monitor c $XDG_DATA_HOME")/status")
	[ "$rss" -lt 1000 ]
	timeout 20 "$GUSCIO" rm -f c
}
