#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run.bats - guscio run: roots, ids, process options, each with its effect

load helpers

@test "a directory: root inside is the caller outside" {
	run -0 run_one "$root" id -u
	[ "$output" = 0 ]
	run -0 "$GUSCIO" run "$root" cat /proc/self/uid_map
	[[ $output =~ ^\ *0\ +$(id -u)\ +1 ]]
	assert_nothing_left
}

@test "@host: the host's programs, read-only, and nothing else of it" {
	run -0 "$GUSCIO" run @host bash -c 'id -u; echo $HOME; ls -A /home/* /tmp /root | grep -v : | wc -w'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = /root ]
	[ "${lines[2]}" = 0 ]
	run -1 "$GUSCIO" run @host touch /usr/x
	[[ $output == *"Read-only file system"* ]]
	run -0 "$GUSCIO" run @host sh -c 'touch /tmp/a /run/b $HOME/c && grep NoNewPrivs /proc/self/status'
	[[ $output == *1 ]]
	# Where somebody wants it otherwise, that is heard.
	run -0 "$GUSCIO" run --security-opt no-new-privileges=false @host grep NoNewPrivs /proc/self/status
	[[ $output == *0 ]]
}

@test "exit codes are docker's" {
	run -7 run_one "$root" sh -c 'exit 7'
	run -137 run_one "$root" sh -c 'kill -9 $$'
	run -143 run_one --no-init "$root" sh -c 'busybox kill -9 $$; exit 143'
	run -127 run_one "$root" nosuch
	assert_one_line
	run -126 run_one "$root" /etc/passwd
	assert_one_line
	run -126 run_one "$root" /bin
	assert_one_line
	run -125 run_one "$work/none" true
	assert_one_line
	run -125 run_one --no-such-option "$root" true
	assert_one_line
	assert_nothing_left
}

@test "a typo gets the nearest word" {
	run -125 run_one --hostnme x "$root" true
	[[ $output == *"did you mean --hostname?"* ]]
	run -125 "$GUSCIO" unshrae
	[[ $output == *"did you mean guscio unshare?"* ]]
	run -125 run_one --cap-add net_admn "$root" true
	[[ $output == *"CAP_NET_ADMIN"* ]]
	run -125 run_one -v /tmp:/x:noexc "$root" true
	[[ $output == *"did you mean 'noexec'?"* ]]
}

@test "changes to a directory stay, with --overlay they do not" {
	run_one "$root" touch /kept
	[ -e "$root/kept" ]
	run -0 run_one --overlay "$root" sh -c 'touch /lost; rm /kept; ls /'
	[[ $output == *lost* && $output != *kept* ]]
	[ -e "$root/kept" ] && [ ! -e "$root/lost" ]
}

@test "--overlay over a directory in which our own state lies" {
	mkdir "$work/etc"
	run -0 run_one --network=none --overlay "$work" /root/bin/busybox sh -c '/root/bin/busybox cat /etc/hostname; echo x >/new'
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	[ ! -e "$work/new" ]
	run -0 run_one -v "$work:/mnt:O" "$root" sh -c 'echo x >/mnt/new; ls /mnt/root/bin/busybox'
	[ ! -e "$work/new" ]
}

@test "--overlay=NAME keeps the changes aside, and locks them" {
	run_one --overlay=mine "$root" touch /aside
	[ ! -e "$root/aside" ]
	run -0 run_one --overlay=mine "$root" ls /aside
	"$GUSCIO" run --userns=single --overlay=mine "$root" sleep 5 &
	local holder=$!
	sleep 0.3
	run -125 run_one --overlay=mine "$root" true
	assert_one_line
	[[ $output == *"another container runs on it"* ]]
	kill $holder
	wait $holder || true
}

@test "--read-only" {
	run -1 run_one --read-only "$root" touch /x
	[[ $output == *"Read-only file system"* ]]
	run -0 run_one --read-only --tmpfs /t "$root" touch /t/x
}

@test "--userns=keep-id: the own ids inside and outside" {
	run -0 "$GUSCIO" run --userns=keep-id "$root" id
	[[ $output == "uid=$(id -u) gid=$(id -g)"* ]]
	run -0 "$GUSCIO" run --userns=keep-id -v "$work:/w" "$root" touch /w/mine
	[ "$(stat -c %u "$work/mine")" = "$(id -u)" ]
	run -0 "$GUSCIO" run --userns=keep-id -u 0 "$root" id -u
	[ "$output" = 0 ]
}

@test "--userns=auto: other ids are subordinate ones" {
	run -0 "$GUSCIO" run -v "$work:/w" "$root" sh -c 'touch /w/f && chown 33:33 /w/f && stat -c %u:%g /w/f'
	[ "$output" = 33:33 ]
	first=$(awk -F: -v u="$(id -un)" '$1 == u {print $2; exit}' /etc/subuid)
	[ "$(stat -c %u "$work/f")" = $((first + 32)) ]
	"$GUSCIO" unshare rm "$work/f"
}

@test "--uidmap and --gidmap by hand, and a foreign id" {
	run -0 "$GUSCIO" run --uidmap 5:"$(id -u)" --gidmap 5:"$(id -g)" "$root" id
	[[ $output == "uid=5 gid=5"* ]]
	run -125 "$GUSCIO" run --uidmap 0:0:1 --gidmap 0:"$(id -g)":1 "$root" id
	assert_one_line
	[[ $output == *"not yours to map"* ]]
	run -125 "$GUSCIO" run --uidmap 0:1 "$root" true
	assert_one_line
}

@test "without helpers: one id, one line of warning" {
	mkdir "$work/empty"
	cat >"$work/nnp" <<-'EOF'
	#!/bin/sh
	exec setpriv --no-new-privs "$@"
	EOF
	chmod +x "$work/nnp"
	run -0 --separate-stderr "$work/nnp" "$GUSCIO" run "$root" cat /proc/self/uid_map
	[[ $output =~ ^\ *0\ +$(id -u)\ +1$ ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"no_new_privs"* ]]
}

@test "namespaces: each is new by default, host on request" {
	for ns in pid uts ipc net cgroup user mnt; do
		run -0 run_one "$root" readlink /proc/self/ns/$ns
		[ "$output" != "$(readlink /proc/self/ns/$ns)" ]
	done
	for ns in uts ipc; do
		run -0 run_one --$ns=host "$root" readlink /proc/self/ns/$ns
		[ "$output" = "$(readlink /proc/self/ns/$ns)" ]
	done
	run -0 run_one --network=host "$root" readlink /proc/self/ns/net
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
	run -0 run_one --cgroupns=host "$root" readlink /proc/self/ns/cgroup
	[ "$output" = "$(readlink /proc/self/ns/cgroup)" ]
	run -0 run_one --pid=host "$root" readlink /proc/self/ns/pid
	[ "$output" = "$(readlink /proc/self/ns/pid)" ]
}

@test "a namespace of another container, and of a path" {
	"$GUSCIO" run --userns=single --name first "$root" sleep 20 &
	local holder=$!
	sleep 0.4
	run -0 run_one --name second "$root" readlink /proc/self/ns/net
	local own=$output
	run -0 "$GUSCIO" run --network container:first --uts container:first "$root" sh -c 'readlink /proc/self/ns/net; hostname'
	[ "${lines[0]}" != "$own" ]
	[ "${lines[1]}" = first ]
	pid=$(awk '$1 == "pid" {print $2; exit}' "$XDG_RUNTIME_DIR"/guscio/*/record)
	run -0 "$GUSCIO" run --network "ns:/proc/$pid/ns/net" "$root" readlink /proc/self/ns/net
	[ "$output" = "$(readlink /proc/"$pid"/ns/net)" ]
	run -125 run_one --name first "$root" true
	assert_one_line
	[[ $output == *"in use"* ]]
	run -125 "$GUSCIO" run --network container:nobody "$root" true
	[ "$output" = "guscio: no container 'nobody'" ]
	kill $holder
	wait $holder || true
	assert_nothing_left
}

@test "a loopback that is up" {
	run -0 run_one "$root" ip addr show lo
	[[ $output == *"127.0.0.1"* ]]
}

@test "-e, --env-file, -w, -h, --domainname, --entrypoint" {
	printf '# comment\nA=1\nFROM_CALLER\n' >"$work/env"
	FROM_CALLER=yes run -0 run_one --env-file "$work/env" -e B=2 -e FROM_CALLER "$root" sh -c 'echo $A$B$FROM_CALLER'
	[ "$output" = 12yes ]
	run -0 run_one -w /new/dir -h named --domainname dom "$root" sh -c 'pwd; hostname; cat /proc/sys/kernel/domainname; echo $HOSTNAME'
	[ "${lines[*]}" = "/new/dir named dom named" ]
	run -0 run_one --entrypoint echo "$root" a b
	[ "$output" = "a b" ]
}

@test "-u: a name, an id, a group, and what is not there" {
	run -0 "$GUSCIO" run -u alice "$root" sh -c 'id; echo $HOME; grep CapEff /proc/self/status'
	[[ ${lines[0]} == *"uid=1000(alice) gid=1000(alice) groups="*"2000(project)"* ]]
	[ "${lines[1]}" = /home/alice ]
	[[ ${lines[2]} == *0000000000000000 ]]
	run -0 "$GUSCIO" run -u 5:6 "$root" id
	[[ $output == "uid=5 gid=6"* ]]
	run -125 "$GUSCIO" run -u bob "$root" id
	assert_one_line
	run -125 run_one -u 5 "$root" id
	assert_one_line
	[[ $output == *"not mapped"* ]]
}

@test "capabilities: docker's by default, added, dropped" {
	caps() { printf '%s\n' "$output" | awk '/CapEff/ {print $2}'; }
	run -0 run_one "$root" cat /proc/self/status
	[ "$(caps)" = 00000000a80425fb ]
	run -0 run_one --cap-drop all --cap-add CAP_NET_ADMIN --cap-add chown "$root" cat /proc/self/status
	[ "$(caps)" = 0000000000001001 ]
	run -0 "$GUSCIO" run -u 5 --cap-add net_admin "$root" cat /proc/self/status
	[ "$(caps)" = 0000000000001000 ]
}

@test "the system call filter: on by default, mount refused, off on request" {
	run -0 run_one "$root" sh -c 'grep Seccomp: /proc/self/status; mount -t tmpfs x /bin; echo $?'
	[[ ${lines[0]} == *2 ]]
	[ "${lines[-1]}" != 0 ]
	run -0 run_one --security-opt seccomp=unconfined "$root" grep Seccomp: /proc/self/status
	[[ $output == *0 ]]
	run -0 run_one --security-opt no-new-privileges "$root" grep NoNewPrivs /proc/self/status
	[[ $output == *1 ]]
}

@test "su works inside: no_new_privs is off" {
	chmod u+s "$root/bin/busybox"
	run -0 "$GUSCIO" run -u 0 "$root" su alice -c 'id -u'
	[ "$output" = 1000 ]
}

@test "--ulimit, --sysctl, --shm-size, --device, --add-host, --umask" {
	run -0 run_one --ulimit nofile=64:128 "$root" sh -c 'ulimit -n; ulimit -Hn'
	[ "${lines[*]}" = "64 128" ]
	run -0 run_one --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmni=77 "$root" cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni
	[ "${lines[*]}" = "1 77" ]
	run -125 run_one --sysctl vm.swappiness=1 "$root" true
	assert_one_line
	run -125 run_one --network=host --sysctl net.ipv4.ip_forward=1 "$root" true
	assert_one_line
	run -0 run_one --shm-size 8m "$root" sh -c 'mount | grep /dev/shm'
	[[ $output == *size=8192k* ]]
	run -0 run_one --device /dev/null:/dev/copy "$root" sh -c 'test -c /dev/copy'
	run -0 run_one --add-host db:10.0.0.7 "$root" cat /etc/hosts
	[[ $output == *$'10.0.0.7\tdb'* ]]
	run -0 run_one --umask 077 "$root" sh -c 'touch /m; stat -c %a /m'
	[ "$output" = 600 ]
}

@test "--timeout ends the program, first gently" {
	run -143 run_one --timeout 300ms "$root" sleep 20
	[[ $output == *"--timeout"* ]]
	run -137 run_one --timeout 300ms --stop-timeout 300ms "$root" sh -c 'trap "" TERM; sleep 20; sleep 20'
	run -130 run_one --timeout 300ms --stop-signal INT "$root" sleep 20
}

@test "standard input: only with -i" {
	run -0 bash -c "echo hello | '$GUSCIO' run --userns=single '$root' cat"
	[ "$output" = "" ]
	run -0 bash -c "echo hello | '$GUSCIO' run --userns=single -i '$root' cat"
	[ "$output" = hello ]
}

# They are a directory of the container's own /dev, under its /dev/pts: what is hidden does not
# show even when that is unmounted.
@test "masked directories are empty and read-only" {
	run -0 run_one --cap-add sys_admin "$root" sh -c 'touch /sys/firmware/x 2>&1 | grep -c Read-only
		grep -c " /sys/firmware ro,nosuid,nodev,noexec" /proc/self/mountinfo
		umount /dev/pts; ls -A /sys/firmware | wc -l'
	[ "${lines[*]}" = "1 1 0" ]
	run -0 "$GUSCIO" run -u alice "$root" ls -A /sys/firmware
	[ "$output" = "" ]
}

@test "masked and read-only paths; unmask" {
	run -0 run_one "$root" sh -c 'cat /proc/keys /proc/timer_list | wc -c; ls /sys/firmware | wc -l'
	[ "${lines[*]}" = "0 0" ]
	run -1 run_one "$root" sh -c 'echo 1 > /proc/sys/kernel/shmmni'
	[[ $output == *"Read-only"* ]]
	run -0 run_one --security-opt unmask=/proc/keys "$root" sh -c 'mount | grep -c /proc/keys || true'
	[ "$output" = 0 ]
	run -0 run_one --security-opt mask=/etc/passwd "$root" sh -c 'wc -c < /etc/passwd'
	[ "$output" = 0 ]
}

@test "descriptors of the caller do not leak; asked for, they pass" {
	exec 9</etc/hostname
	run -0 run_one "$root" ls /proc/self/fd
	[ "${#lines[@]}" -le 4 ]
	run -0 bash -c "exec 3< <(echo passed); '$GUSCIO' run --userns=single --preserve-fds 1 '$root' sh -c 'cat <&3'"
	[ "$output" = passed ]
	exec 9<&-
}

@test "--explain starts nothing and says why" {
	run -0 run_one --explain "$root" touch /started
	[[ $output == *"pivot"* && $output == *"the program will have"* ]]
	[ ! -e "$root/started" ]
	assert_nothing_left
}

@test "--trace-start prints a line for each step" {
	run -0 --separate-stderr run_one --trace-start "$root" true
	[[ $stderr == *"pivot"* && $stderr == *"install filter"* ]]
}

@test "guscio unshare: files of subordinate owners" {
	run -0 "$GUSCIO" unshare sh -c "id -u; touch '$work/s'; chown 7:7 '$work/s'"
	[ "$output" = 0 ]
	"$GUSCIO" unshare rm "$work/s"
	run -5 "$GUSCIO" unshare sh -c 'exit 5'
}

@test "the machine's root is refused" {
	# As root of a user namespace it works; real root is tried by tests/check-as-root.
	run -0 unshare -r "$GUSCIO" run --userns=single "$root" id -u
	[ "$output" = 0 ]
}

@test "clock offsets in a time namespace" {
	[ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
	run -0 run_one --boottime 1000000 "$root" cut -d. -f1 /proc/uptime
	[ "$output" -ge 1000000 ]
}
