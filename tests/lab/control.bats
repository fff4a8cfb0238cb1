# SPDX-License-Identifier: Apache-2.0
# control.bats - looking at running containers by their cgroups, and changing them

load guest

slice=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

teardown() {
	"$GUSCIO" rm -f ctl 2>/dev/null || true
}

cgroup_of() { # name
	find "$slice" -path "*guscio-$1-*/container" | head -n 1
}

@test "stats agrees with the kernel's files" {
	"$GUSCIO" run -d --name ctl -m 64m "$root" sh -c 'x=$(dd if=/dev/zero bs=1M count=8 2>/dev/null | tr "\000" a); echo held; while :; do sleep 5; done'
	for _ in $(seq 300); do [ "$("$GUSCIO" logs ctl)" = held ] && break; sleep 0.2; done
	run -0 "$GUSCIO" stats --no-stream --format json ctl
	cgroup=$(cgroup_of ctl)
	number() { sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" <<<"$output"; }
	[ "$(number MemoryLimitBytes)" = "$(cat "$cgroup/memory.max")" ]
	[ "$(number MemoryLimitBytes)" = 67108864 ]
	memory=$(cat "$cgroup/memory.current")
	[ "$(number MemoryBytes)" -gt 8000000 ] && [ $(($(number MemoryBytes) - memory)) -lt 1000000 ] && [ $((memory - $(number MemoryBytes))) -lt 1000000 ]
	cpu=$(sed -n 's/usage_usec //p' "$cgroup/cpu.stat")
	[ "$(number CPUMicroseconds)" -le "$cpu" ] && [ $((cpu - $(number CPUMicroseconds))) -lt 500000 ] ||
		{ echo "kernel $cpu: $output"; false; }
	[[ "$output" == *"\"PIDs\": \"$(cat "$cgroup/pids.current")\""* ]]
	# Others that run without a cgroup are a note.
	run -0 --separate-stderr "$GUSCIO" stats --no-stream
	[[ "${lines[0]}" == "CONTAINER ID"*"MEM USAGE / LIMIT"*PIDS* ]]
	[[ "$output" == *ctl*"64MiB"* ]]
}

@test "a paused container stands still, says so, and goes on" {
	"$GUSCIO" run -d --name ctl --cgroups enabled "$root" sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/tmp/new; mv /tmp/new /tmp/count; sleep 0.1; done'
	for _ in $(seq 100); do [ -s "$root/tmp/count" ] && break; sleep 0.1; done
	run -0 "$GUSCIO" pause ctl
	[ "$output" = ctl ]
	[ "$("$GUSCIO" inspect --format '{{.State.Status}} {{.State.Paused}}' ctl)" = "paused true" ]
	[[ "$("$GUSCIO" ps)" == *"(Paused)"* ]]
	before=$(cat "$root/tmp/count")
	sleep 1.5
	[ "$(cat "$root/tmp/count")" = "$before" ]
	run -125 "$GUSCIO" pause ctl
	[[ "$output" == *"is already paused"* ]]
	run -125 "$GUSCIO" exec ctl true
	[[ "$output" == *"is paused"* ]]
	run -0 "$GUSCIO" unpause ctl
	for _ in $(seq 100); do [ "$(cat "$root/tmp/count")" -gt "$before" ] && break; sleep 0.1; done
	[ "$(cat "$root/tmp/count")" -gt "$before" ]
	run -125 "$GUSCIO" unpause ctl
	[[ "$output" == *"is not paused"* ]]
	"$GUSCIO" pause ctl
	"$GUSCIO" kill ctl
	run -0 timeout 20 "$GUSCIO" wait ctl
	[ "$output" = 137 ]
}

@test "stop and rm -f let a paused container hear its signal" {
	"$GUSCIO" run -d --name ctl --cgroups enabled "$root" sh -c 'trap "echo heard; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	for _ in $(seq 100); do [ "$("$GUSCIO" logs ctl)" = ready ] && break; sleep 0.1; done
	"$GUSCIO" pause ctl
	began=$SECONDS
	run -0 "$GUSCIO" stop -t 60 ctl
	[ $((SECONDS - began)) -lt 50 ]
	[ "$("$GUSCIO" logs ctl | tail -n 1)" = heard ]
	[ "$("$GUSCIO" inspect --format '{{.State.Status}} {{.State.ExitCode}}' ctl)" = "exited 3" ]
	"$GUSCIO" start ctl
	"$GUSCIO" pause ctl
	run -0 "$GUSCIO" kill -s TERM ctl
	run -0 timeout 60 "$GUSCIO" wait ctl
	"$GUSCIO" start ctl
	"$GUSCIO" pause ctl
	run -0 timeout 60 "$GUSCIO" rm -f ctl
	[ -z "$(cgroup_of ctl)" ]
}

@test "update changes the kernel's files, the scope's shares and the next start; a bad one changes nothing" {
	"$GUSCIO" run -d --name ctl -m 64m --pids-limit 50 "$root" sleep 100
	cgroup=$(cgroup_of ctl)
	run -0 "$GUSCIO" update -m 96m --cpus 0.5 --cpu-weight 250 --cpuset-cpus 1 ctl
	[ "$(cat "$cgroup/memory.max")" = 100663296 ]
	[ "$(cat "$cgroup/cpu.max")" = "50000 100000" ]
	[ "$(cat "$cgroup/cpuset.cpus")" = 1 ]
	[ "$(cat "$cgroup/../cpu.weight")" = 250 ]
	[ "$(cat "$cgroup/pids.max")" = 50 ]
	run -125 "$GUSCIO" update -m 32m --pids-limit 20 --cgroup-conf memory.foo=1 ctl
	[ "$(grep -c ^guscio: <<<"$output")" -eq 1 ]
	[ "$(cat "$cgroup/memory.max")" = 100663296 ]
	[ "$(cat "$cgroup/pids.max")" = 50 ]
	run -125 "$GUSCIO" update ctl
	[[ "$output" == *"needs a limit"* ]]
	"$GUSCIO" kill ctl && "$GUSCIO" wait ctl
	for _ in $(seq 50); do [ -z "$(cgroup_of ctl)" ] && break; sleep 0.1; done
	run -0 "$GUSCIO" start ctl
	cgroup=$(cgroup_of ctl)
	[ "$(cat "$cgroup/memory.max")" = 100663296 ]
	[ "$(cat "$cgroup/pids.max")" = 50 ]
	[ "$(cat "$cgroup/../cpu.weight")" = 250 ]
}

@test "exec counts for the container's limits" {
	"$GUSCIO" run -d --name ctl -m 64m --pids-limit 20 "$root" sleep 100
	run -0 "$GUSCIO" exec ctl cat /proc/self/cgroup
	[ "$output" = 0::/ ]
	run "$GUSCIO" exec ctl sh -c 'for i in $(seq 25); do sleep 1 & done; wait'
	[[ "$output" == *"can't fork"* ]]
}

@test "a container without a cgroup is refused with one line, one in the foreground is found" {
	"$GUSCIO" run -d --name ctl "$root" sleep 100
	for words in "stats --no-stream" pause "update -m 64m"; do
		run -125 "$GUSCIO" $words ctl
		[[ "$output" == "guscio: container 'ctl' has no cgroup of its own"* ]]
		run -125 "$GUSCIO" $words nobody
		[[ "$output" == *"no container 'nobody'"* ]]
	done
	"$GUSCIO" run --name front -m 64m "$root" sleep 30 3>&- &
	for _ in $(seq 50); do [ -n "$(cgroup_of front)" ] && break; sleep 0.2; done
	sleep 1
	run -0 "$GUSCIO" stats --no-stream front
	[[ "$output" == *front*64MiB* ]]
	run -0 "$GUSCIO" update -m 80m front
	[ "$(cat "$(cgroup_of front)/memory.max")" = 83886080 ]
	kill %1
	wait
}

@test "a unit that is stopped takes no network from the containers of others" {
	[ -w /dev/net/tun ] || skip "/dev/net/tun cannot be opened here"
	"$GUSCIO" network create back
	systemd-run --user --collect -q --unit first "$GUSCIO" run --network back --name first "$root" sleep 1000
	for tries in $(seq 100); do
		helper=$(pgrep -f '^guscio-net: back') && break
		sleep 0.2
	done
	"$GUSCIO" run -d --network back --name ctl "$root" sleep 1000
	systemctl --user stop first
	[ "$(pgrep -f '^guscio-net: back')" = "$helper" ]
	[[ "$(cat /proc/"$helper"/cgroup)" == *"/guscio-net-"*.scope ]]
	run -0 "$GUSCIO" exec ctl nslookup ctl
	"$GUSCIO" rm -f ctl
	for tries in $(seq 50); do
		[ -n "$(find "$slice" -name 'guscio-net-*' -print -quit)" ] || break
		sleep 0.2
	done
	[ -z "$(find "$slice" -name 'guscio-net-*' -print -quit)" ]
	"$GUSCIO" network rm back
}
