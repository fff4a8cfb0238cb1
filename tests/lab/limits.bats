# SPDX-License-Identifier: Apache-2.0
# limits.bats - every limit, enforced by the kernel against a program that breaks it

load guest

slice=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

nothing_left() {
	local tries
	# systemd takes an empty scope away when it hears of it.
	for tries in $(seq 50); do
		# That unit is of systemd.bats.
		[ -n "$(find "$slice" -name web.service -prune -o -name 'guscio-*' -print -quit)" ] || return 0
		sleep 0.1
	done
	find "$slice" -name web.service -prune -o -name 'guscio-*' -print
	return 1
}

@test "a memory hog is killed, with one line and status 137" {
	run "$GUSCIO" run -m 24m --memory-swap 24m "$root" \
		sh -c 'x=$(dd if=/dev/zero bs=1M count=60 2>/dev/null | tr "\000" a); echo survived'
	[ "$status" -eq 137 ]
	[ "$(grep -c 'out of memory: the kernel killed 1 process' <<<"$output")" -eq 1 ]
	[[ "$output" != *survived* ]]
	[ "$(wc -l <<<"$output")" -eq 1 ]
	nothing_left
}

@test "in the background: killed, said by inspect, and the cgroup is gone" {
	"$GUSCIO" run -d --name bg -m 24m --memory-swap 24m "$root" \
		sh -c 'x=$(dd if=/dev/zero bs=1M count=60 2>/dev/null | tr "\000" a); sleep 60'
	run -0 timeout 60 "$GUSCIO" wait bg
	[ "$output" = 137 ]
	[[ "$("$GUSCIO" inspect bg)" == *'"OOMKilled": true'* ]]
	"$GUSCIO" rm bg
	nothing_left
}

@test "with --oom-group the whole container ends" {
	run "$GUSCIO" run -m 24m --memory-swap 24m --oom-group "$root" \
		sh -c '(x=$(dd if=/dev/zero bs=1M count=60 2>/dev/null | tr "\000" a)); echo survived'
	[ "$status" -eq 137 ]
	[[ "$output" != *survived* ]]
}

@test "a fork bomb stops at the limit, and the host goes on" {
	run "$GUSCIO" run --pids-limit 20 --timeout 5s --stop-timeout 0 "$root" sh -c 'bomb() { bomb | bomb & }; bomb; sleep 1
		cat /sys/fs/cgroup/pids.events /sys/fs/cgroup/pids.peak 2>/dev/null; cat /sys/fs/cgroup/pids.max'
	[[ "$output" == *"can't fork"* ]]
	nothing_left
}

@test "processor time is shared by weight between two containers" {
	usage() { sed -n 's/usage_usec //p' "$slice"/app.slice/guscio-"$1"-*.scope/container/cpu.stat; }
	for weight in 100 300; do
		"$GUSCIO" run -d --name "w$weight" --cpu-weight "$weight" --cpuset-cpus 0 "$root" sh -c 'while :; do :; done'
	done
	# Both run by now, and are looked at over the same time.
	sleep 1
	a=$(usage w100) b=$(usage w300)
	sleep 5
	a=$(($(usage w100) - a)) b=$(($(usage w300) - b))
	"$GUSCIO" rm -f w100 w300
	echo "# weights 100 and 300: $((a / 1000)) and $((b / 1000)) ms" >&3
	[ $((b * 10)) -gt $((a * 22)) ] && [ $((b * 10)) -lt $((a * 40)) ]
}

@test "--cpus takes no more of a processor than it says" {
	run -0 "$GUSCIO" run --cpus 0.25 "$root" sh -c 'now() { echo $(cut -d" " -f1 /proc/uptime | tr -d .) $(head -n 1 /sys/fs/cgroup/cpu.stat | cut -d" " -f2); }
		now; timeout 3 sh -c "while :; do :; done"; now; grep nr_throttled /sys/fs/cgroup/cpu.stat'
	# Between the two the shell may say that its child was ended.
	read -r from_time from_usage to_time to_usage <<<"$(grep -E '^[0-9]+ [0-9]+$' <<<"$output" | tr '\n' ' ')"
	percent=$(((to_usage - from_usage) / (to_time - from_time) / 100))
	echo "# --cpus 0.25: $percent percent of a processor" >&3
	[ "$percent" -ge 10 ] && [ "$percent" -le 35 ]
	[ "$(sed -n 's/nr_throttled //p' <<<"$output")" -gt 3 ]
}

@test "writes to a disk keep to their rate" {
	[ -d /disk ]
	mkdir -p /disk/w
	began=$(date +%s%N)
	"$GUSCIO" run -v /disk/w:/w "$root" dd if=/dev/zero of=/w/f bs=1M count=6 conv=fsync 2>/dev/null
	middle=$(date +%s%N)
	"$GUSCIO" run --device-write-bps /dev/vdc:2m -v /disk/w:/w "$root" dd if=/dev/zero of=/w/g bs=1M count=6 conv=fsync 2>/dev/null
	end=$(date +%s%N)
	echo "# 6 MB in $(((middle - began) / 1000000)) ms, at 2 MB/s in $(((end - middle) / 1000000)) ms" >&3
	[ $(((end - middle) / 1000000)) -gt 2500 ]
	rm -rf /disk/w
}

@test "every other file of the cgroup says what its option said" {
	run -0 "$GUSCIO" run -m 64m --memory-reservation 16m --memory-high 48m --memory-swap 80m --cpuset-cpus 1 \
		--cpuset-mems 0 --io-weight 50 --cgroup-conf memory.low=0 --oom-score-adj 300 "$root" sh -c \
		'cd /sys/fs/cgroup && cat memory.max memory.high memory.swap.max memory.low cpuset.cpus cpuset.mems io.weight /proc/self/oom_score_adj; nproc'
	[ "$(tr '\n' ' ' <<<"$output")" = "67108864 50331648 16777216 0 1 0 default 50 300 1 " ]
}

@test "systemctl and systemd-cgls show the container by its name" {
	"$GUSCIO" run -m 32m --name shown --cgroup-parent lab-x.slice "$root" sleep 20 &
	pid=$!
	for _ in $(seq 50); do systemctl --user list-units 'guscio-shown-*' --no-legend | grep -q running && break; sleep 0.1; done
	run -0 systemctl --user list-units 'guscio-shown-*.scope' --no-legend
	[[ "$output" == *"guscio container shown: sleep"* ]]
	run -0 systemctl --user status lab-x.slice --no-pager
	[[ "$output" == *guscio-shown-*sleep* ]]
	kill -9 $pid
	nothing_left
}

@test "the cgroup is read-only inside and its namespace begins at it" {
	run -0 "$GUSCIO" run -m 32m "$root" sh -c 'cat /proc/self/cgroup; echo 1 2>/dev/null >/sys/fs/cgroup/memory.max || echo read-only'
	[ "${lines[0]}" = 0::/ ]
	[ "${lines[1]}" = read-only ]
}

@test "wrong limits get one line and leave no cgroup" {
	for wrong in "--cpuset-cpus 7" "--device-write-bps /dev/nope:1m" "--device-write-bps /dev/null:1m" "--cgroup-conf memory.foo=1" \
		"--cgroup-conf pids.max=x" "-m 4k" "--oom-score-adj -900" "--cgroup-conf hugetlb.1GB.max=1"; do
		run -125 "$GUSCIO" run $wrong "$root" true
		[ "$(grep -c ^guscio: <<<"$output")" -eq 1 ]
	done
	nothing_left
}

@test "a manager that does not answer is not waited for" {
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	mkdir "$XDG_RUNTIME_DIR/systemd"
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)' "$XDG_RUNTIME_DIR/systemd/private" 3>&- &
	silent=$!
	for _ in $(seq 100); do [ -S "$XDG_RUNTIME_DIR/systemd/private" ] && break; sleep 0.1; done
	sleep 0.5
	began=$SECONDS
	run -125 "$GUSCIO" run -m 32m "$root" true
	kill $silent
	[ $((SECONDS - began)) -lt 20 ]
	[[ "$output" == *"did not answer in 5 seconds"* ]]
}

@test "without a manager limits are kept by other means, or refused" {
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	run "$GUSCIO" run -m 24m "$root" true
	[[ "$output" == *"no systemd of yours is running"*watcher* ]]
	run -125 "$GUSCIO" run -m 24m --limit-mode=hard "$root" true
	[[ "$output" == *"--memory cannot be kept here"* ]]
	run -125 "$GUSCIO" run --memory-high 24m "$root" true
	[[ "$output" == *"--memory-high cannot be kept here"* ]]
}

@test "inside a cgroup that is its own no systemd is asked" {
	run -0 timeout 30 sh -c 'echo "cd /; unset XDG_RUNTIME_DIR; guscio run -m 24m --pids-limit 9 --name d $1 cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max; cat /proc/self/cgroup; find /sys/fs/cgroup/system.slice/delegated.service -type d" >/run/door/in && cat /run/door/out' sh "$root"
	[[ "$output" == *25165824*9* ]]
	[[ "$output" == *0::/system.slice/delegated.service/guscio-self* ]]
	[ "$(grep -c '/guscio-d' <<<"$output")" -eq 0 ]
}

# A bundle with a limit and this cgroupsPath.
bundle() { # path
	mkdir -p "$BATS_TEST_TMPDIR/b"
	"$GUSCIO" spec -m 24m "$root" sh -c 'cat /sys/fs/cgroup/memory.max; sleep 2' |
		sed "s,\"linux\": {,&\"cgroupsPath\": \"$1\"\,," >"$BATS_TEST_TMPDIR/b/config.json"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/b"
}

@test "a document's cgroupsPath is where the container is, or is refused" {
	bundle lab-y.slice:made:one
	"$GUSCIO" run --bundle "$BATS_TEST_TMPDIR/b" >"$BATS_TEST_TMPDIR/out" 3>&- &
	for _ in $(seq 100); do [ -s "$BATS_TEST_TMPDIR/out" ] && break; sleep 0.1; done
	systemctl --user status lab-y.slice --no-pager | grep -q made-one.scope
	wait
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = 25165824 ]
	for wrong in /elsewhere a/b; do
		bundle "$wrong"
		run -125 "$GUSCIO" run --bundle "$BATS_TEST_TMPDIR/b"
		[[ "$output" == *"cannot use the cgroupsPath '$wrong'"* ]]
	done
	nothing_left
	bundle one/two
	there=/sys/fs/cgroup/system.slice/delegated.service
	run timeout 60 sh -c 'echo "cd /; guscio run --bundle $1; mkdir $2/one; guscio run --bundle $1 & sleep 2; ls -d $2/one/*/; wait; ls -d $2/one/two; rmdir $2/one/*/ $2/one" >/run/door/in && cat /run/door/out' sh "$BATS_TEST_TMPDIR/b" "$there"
	[[ "$output" == *"cannot prepare the cgroup"*"$there/one/two/"*25165824* ]] || [[ "$output" == *"cannot prepare the cgroup"*25165824*"$there/one/two/"* ]]
	[[ "$output" == *"cannot access '$there/one/two'"* ]]
}

@test "a starter that is killed leaves a cgroup that the next one sweeps" {
	run -0 timeout 60 sh -c 'echo "cd /; guscio run -m 24m --name k $1 sleep 60 & sleep 2; kill -9 \$!; sleep 6; find /sys/fs/cgroup/system.slice/delegated.service -name guscio-k*; echo --; guscio run -m 24m $1 true; find /sys/fs/cgroup/system.slice/delegated.service -name guscio-k*" >/run/door/in && cat /run/door/out' sh "$root"
	[[ "${output#*--}" != *guscio-k* ]]
}

# Processes, containers and their directories: the lab has a container of its own for systemd.bats.
whats_there() {
	echo "$(pgrep -cu lab guscio) $("$GUSCIO" ps -aq | wc -l) $(find "$XDG_RUNTIME_DIR/guscio" -mindepth 1 -maxdepth 1 | wc -l)"
}

@test "after 100 containers, started, limited and ended, nothing is left" {
	began=$SECONDS
	before=$(whats_there)
	# One id: the id helpers are no part of this, and take longer than all else.
	for round in $(seq 10); do
		for i in $(seq 9); do
			"$GUSCIO" run --userns=single --network=none -m 32m --pids-limit 50 "$root" true 3>&- &
		done
		"$GUSCIO" run -d --userns=single --network=none --name "stay$round" -m 32m "$root" sleep 1000 3>&-
		wait
	done
	run -0 "$GUSCIO" rm -f $(seq -f stay%g 10)
	echo "# 100 containers in $((SECONDS - began)) s" >&3
	nothing_left
	[ "$(whats_there)" = "$before" ]
	[ "$(systemctl --user list-units --failed --no-legend 'guscio-*' | wc -l)" -eq 0 ]
}
