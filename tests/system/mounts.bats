#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# mounts.bats - -v, --mount, --tmpfs, overlays, and what they refuse

load helpers

@test "-v: read-write, read-only, a single file" {
	mkdir "$work/dir"
	echo content >"$work/dir/file"
	run -0 run_one -v "$work/dir:/mnt" "$root" sh -c 'cat /mnt/file; touch /mnt/new'
	[ "$output" = content ]
	[ -e "$work/dir/new" ]
	run -1 run_one -v "$work/dir:/mnt:ro" "$root" touch /mnt/no
	[[ $output == *"Read-only"* ]]
	run -0 run_one -v "$work/dir/file:/etc/one:ro" "$root" cat /etc/one
	[ "$output" = content ]
}

@test "-v: a relative source starts at the caller's directory" {
	mkdir "$work/here"
	cd "$work"
	run -0 run_one -v ./here:/h "$root" touch /h/x
	[ -e "$work/here/x" ]
}

@test "-v: noexec, nosuid, nodev and their opposites show in the mount" {
	run -0 run_one -v "$work:/m:noexec" "$root" grep ' /m ' /proc/self/mounts
	[[ $output == *nosuid* && $output == *nodev* && $output == *noexec* ]]
	run -0 run_one -v "$work:/m:suid,dev,exec" "$root" grep ' /m ' /proc/self/mounts
	[[ $output != *nosuid* && $output != *noexec* ]]
	cp "$root/bin/busybox" "$work/prog"
	run -126 run_one -v "$work:/m:noexec" "$root" /m/prog true
	assert_one_line
	[[ $output == *noexec* ]]
}

@test "-v: read-only goes all the way down" {
	mkdir -p "$work/low/sub"
	run -0 "$GUSCIO" unshare sh -c "mount -t tmpfs none '$work/low/sub' && exec '$GUSCIO' run --userns=single -v '$work/low:/l:ro' '$root' sh -c 'touch /l/sub/x || echo refused'"
	[[ $output == *refused* ]]
}

@test "-v: propagation words" {
	for word in private rprivate slave rslave shared rshared unbindable runbindable; do
		run -0 run_one -v "$work:/m:$word" "$root" grep ' /m ' /proc/self/mountinfo
		case $word in
		*shared) [[ $output == *shared:* ]] ;;
		*unbindable) [[ $output == *unbindable* ]] ;;
		*private) [[ $output != *shared:* && $output != *master:* ]] ;;
		esac
	done
}

@test "-v: O is an overlay over the source" {
	mkdir "$work/dir"
	echo old >"$work/dir/f"
	run -0 run_one -v "$work/dir:/d:O" "$root" sh -c 'echo new >/d/f; cat /d/f'
	[ "$output" = new ]
	[ "$(cat "$work/dir/f")" = old ]
}

@test "--mount: bind, tmpfs, overlay, mqueue, devpts" {
	mkdir -p "$work/a" "$work/b" "$work/up" "$work/wk"
	touch "$work/a/one" "$work/b/two"
	run -0 run_one --mount "type=bind,source=$work/a,target=/m,readonly" "$root" ls /m
	[ "$output" = one ]
	run -0 run_one --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 "$root" grep ' /t ' /proc/self/mounts
	[[ $output == *size=1024k* && $output == *mode=700* ]]
	run -0 run_one --mount "type=overlay,lowerdir=$work/a:$work/b,target=/o" "$root" ls /o
	[ "${lines[*]}" = "one two" ]
	run -0 run_one --mount "type=overlay,lowerdir=$work/a,upperdir=$work/up,workdir=$work/wk,target=/o" "$root" touch /o/kept
	[ -e "$work/up/kept" ]
	run -0 run_one --mount type=mqueue,target=/q --mount type=devpts,target=/p "$root" sh -c 'grep -c -e " /q mqueue" -e " /p devpts" /proc/self/mounts'
	[ "$output" = 2 ]
}

@test "--mount: bind-create-src makes a missing source, else it is an error" {
	run -125 run_one -v "$work/missing:/m" "$root" true
	assert_one_line
	[[ $output == *missing* ]]
	run -0 run_one --mount "type=bind,source=$work/more/missing,target=/m,bind-create-src" "$root" touch /m/x
	[ -e "$work/more/missing/x" ]
}

@test "wrong mounts get one line and 125" {
	for wrong in "$work:relative" "na,me:/x" "$work:/" "$work:/x:wrong" ":/x" "$work:/x:U"; do
		run -125 run_one -v "$wrong" "$root" true
		assert_one_line
	done
	for wrong in type=nfs,target=/x "type=bind,target=/x" "type=bind,source=$work" "type=bind,source=$work,target=/x,sourc=1"; do
		run -125 run_one --mount "$wrong" "$root" true
		assert_one_line
	done
}

@test "a source that may not be read says which directory" {
	[ ! -x /root ] || skip "/root can be searched here"
	run -125 run_one -v /root/inner:/m "$root" true
	assert_one_line
	[[ $output == *"search the directory '/root'"* ]]
	run -125 run_one /root/inner true
	assert_one_line
}

@test "supplementary groups keep working through -v" {
	# root:guscio-test 0770, as a project directory is; we are in that group.
	local shared=/var/tmp/guscio-group
	[ -d $shared ] || skip "only ./check as root can make such a directory"
	run -0 "$GUSCIO" run -v "$shared:/s" "$root" sh -c "touch /s/x && rm /s/x"
}

@test "a volume replaces a default mount of the same place" {
	run -0 run_one -v /dev:/dev "$root" sh -c 'grep -c " /dev tmpfs" /proc/self/mounts; true'
	[ "$output" = 0 ]
}
