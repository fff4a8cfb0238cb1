# SPDX-License-Identifier: Apache-2.0
# limits.bats - limits where there is no cgroup; tests/lab has the others

load helpers

limited() {
	run "$GUSCIO" run --userns=single --cgroups=disabled "$@"
}

@test "a memory hog is ended by the watcher, with 137 and a line" {
	limited -m 30m "$root" sh -c 'x=$(dd if=/dev/zero bs=1M count=60 2>/dev/null | tr "\000" a); sleep 5; echo survived'
	[ "$status" -eq 137 ]
	[[ "$output" == *"--memory: --cgroups=disabled forbids a cgroup: a watcher ends"* ]]
	[[ "$output" == *"out of memory: "*" are allowed: killed"* ]]
	[[ "$output" != *survived* ]]
}

@test "a fork bomb stops at RLIMIT_NPROC, which counts the container's processes only" {
	limited --pids-limit 12 "$root" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do sleep 2 & done; wait'
	[[ "$output" == *"RLIMIT_NPROC instead"* ]]
	[[ "$output" == *"can't fork"* ]]
	limited --pids-limit 12 "$root" sh -c 'for i in 1 2 3 4 5; do sleep 0.1 & done; wait; echo fine'
	[[ "$output" == *fine* ]]
}

@test "processors by affinity, weights by nice and I/O priority, each with its line" {
	limited --cpuset-cpus 0 --cpu-weight 20 --io-weight 20 "$root" sh -c 'nproc 2>/dev/null; grep Cpus_allowed_list /proc/self/status; cut -d" " -f19 /proc/self/stat'
	[ "$status" -eq 0 ]
	[[ "$output" == *"--cpuset-cpus: "*"an affinity instead"* ]]
	[[ "$output" == *"--cpu-weight: "*"nice 8 instead"* ]]
	[[ "$output" == *"--io-weight: "*"I/O priority 6 instead"* ]]
	[[ "$output" == *"Cpus_allowed_list:"*0* ]]
	grep -qx 8 <<<"$output"
	limited --cpus 0.5 "$root" grep Cpus_allowed_list /proc/self/status
	[[ "$output" == *"pinned to 1 whole processor instead"* ]]
	grep -qE '^Cpus_allowed_list:[[:space:]]*[0-9]+$' <<<"$output"
}

@test "memory nodes by a memory policy, with its line" {
	limited --cpuset-mems 0 "$root" sh -c 'cat /proc/self/numa_maps 2>/dev/null || echo bind:0'
	[ "$status" -eq 0 ]
	[[ "$output" == *"--cpuset-mems: "*"a memory policy instead"* ]]
	[[ "$output" == *bind:0* ]]
	limited --cpuset-mems 900 "$root" true
	[ "$status" -eq 125 ]
	[[ "$output" == *"a memory node that is not there"* ]]
}

@test "what nothing stands for is refused, and hard takes no stand-in" {
	for option in --memory-high=30m --memory-reservation=30m --cgroup-conf=memory.high=1 --device-read-bps=/dev/null:1m \
		--oom-group; do
		limited "$option" "$root" true
		[ "$status" -eq 125 ]
		assert_one_line
		[[ "$output" == *"${option%%=*} cannot be kept here"* ]]
	done
	run -125 "$GUSCIO" run --userns=single -m 30m --limit-mode=hard --cgroups=disabled "$root" true
	assert_one_line
	limited --memory-swap 40m "$root" true
	[ "$status" -eq 125 ]
	[[ "$output" == *"--memory-swap needs --memory"* ]]
	assert_nothing_left
}

@test "bad limits get one line each" {
	for bad in "-m x" "-m 4k" "--cpus 0" "--cpus x" "--cpuset-cpus 5000" "--cpuset-cpus 1-" "--pids-limit x" "--io-weight 0" \
		"--cgroup-conf x" "--cgroup-parent x" "--limit-mode soft" "--oom-score-adj 5000" "--device-read-bps x:1" "--cpu-shares 1"; do
		run -125 "$GUSCIO" run --userns=single $bad "$root" true
		assert_one_line
	done
}

@test "the out-of-memory score is the program's, and root's below the caller's" {
	run -0 "$GUSCIO" run --userns=single --oom-score-adj 700 "$root" cat /proc/self/oom_score_adj
	[ "$output" = 700 ]
	run -0 "$GUSCIO" run --oom-score-adj 700 -u alice "$root" cat /proc/self/oom_score_adj
	[ "$output" = 700 ]
	[ "$(cat /proc/self/oom_score_adj)" -ge -900 ] || skip "this machine's own score is as low as it gets"
	run -125 "$GUSCIO" run --userns=single --oom-score-adj -1000 "$root" true
	assert_one_line
}

@test "a document carries its limits" {
	"$GUSCIO" spec -m 64m --cpus 2 --pids-limit 9 --io-weight 30 "$root" true >"$work/config.json"
	[ "$(jq -c .linux.resources "$work/config.json")" = '{"memory":{"limit":67108864},"cpu":{"quota":200000,"period":100000},"pids":{"limit":9},"unified":{"io.weight":"default 30"}}' ]
	run -125 "$GUSCIO" run --userns=single --bundle "$work" --limit-mode hard --cgroups disabled
	mkdir "$work/bundle"
	jq '.linux.resources = {"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]}' "$work/config.json" >"$work/bundle/config.json"
	run -125 "$GUSCIO" run --userns=single --bundle "$work/bundle"
	assert_one_line
	[[ "$output" == *"linux.resources.hugepageLimits is not supported"* ]]
}

@test "in the background the monitor watches the memory" {
	run -0 "$GUSCIO" run -d --name hog --userns=single --cgroups=disabled -m 30m "$root" \
		sh -c 'x=$(dd if=/dev/zero bs=1M count=60 2>/dev/null | tr "\000" a); sleep 5'
	[[ "$output" == *"a watcher ends"* ]]
	run -0 "$GUSCIO" wait hog
	[ "$output" = 137 ]
	[ "$("$GUSCIO" inspect hog | jq '.[0].State.OOMKilled')" = true ]
	[ "$("$GUSCIO" inspect hog | jq -r '.[0].Limits.KeptBy')" = "--memory by a watcher" ]
	[ "$("$GUSCIO" inspect hog | jq '.[0].Limits.Resources.memory.limit')" = 31457280 ]
	"$GUSCIO" rm hog
}
