# SPDX-License-Identifier: Apache-2.0
# lab.bats - the lab is what the other tests take it for

load guest

@test "the lab has systemd, unified cgroups and a user's own systemd" {
	[ "$(cat /proc/1/comm)" = systemd ]
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	systemctl --user is-system-running
	grep -qw io "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers"
}

@test "guscio runs in the lab with all ids" {
	run -0 "$GUSCIO" run --rm "$root" id -u
	[ "$output" = 0 ]
	run -0 "$GUSCIO" run --rm -u alice "$root" id -u
	[ "$output" = 1000 ]
}
