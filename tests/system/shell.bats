#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shell.bats - logging in to a container that runs

load helpers

teardown() {
	remove_containers
	remove_all
}

needs_ids() {
	"$GUSCIO" unshare grep -q '^ *[0-9]* *[0-9]* *[0-9]\{4,\}' /proc/self/uid_map || skip "no subordinate ids here"
}

# bats has 3.
run_d() {
	mkdir -p "$root/root" "$root/home"
	"$GUSCIO" run -d --network=none -e FOO=bar "$@" 3>&-
}

@test "a login is su's: ids, home, shell and variables of passwd" {
	needs_ids
	run_d --name box "$root" sh -c 'mkdir -p /home/alice && chown 1000:1000 /home/alice && sleep 100'
	for _ in $(seq 100); do [ -d "$root/home/alice" ] && break; sleep 0.05; done
	run -0 "$GUSCIO" shell alice@box <<<'id -un; id -gn; pwd; echo "$0 $HOME $USER $SHELL ${FOO:-none}"'
	[ "$output" = "$(printf 'alice\nalice\n/home/alice\n-sh /home/alice alice /bin/sh none')" ]
	run -0 "$GUSCIO" shell -u alice box printf '[%s]\n' "a b" "c'd" '$HOME' ''
	[ "$output" = "$(printf '[a b]\n[c'\''d]\n[$HOME]\n[]')" ]
	run -0 "$GUSCIO" shell box id -u
	[ "$output" = 0 ]
	run -7 "$GUSCIO" shell box sh -c 'exit 7'
}

@test "without su it is the user's shell, with the container's other variables" {
	needs_ids
	run_d --name box "$root" sleep 100
	rm "$root/bin/su"
	run -0 "$GUSCIO" shell alice@box <<<'id -u; pwd; echo "$0 $HOME $USER $LOGNAME $SHELL $FOO"'
	# A home that is not there.
	[ "$output" = "$(printf '1000\n/\n-sh /home/alice alice alice /bin/sh bar')" ]
	printf 'bob:x:1001:1001::/proc/self/fd/3:/bin/nosuch\n' >>"$root/etc/passwd"
	run -127 "$GUSCIO" shell bob@box
	[[ "$output" == *"the shell '/bin/nosuch' of user 'bob' is not in the container"* ]]
	assert_one_line
	sed -i 's,/bin/nosuch,/bin/sh,' "$root/etc/passwd"
	run -0 "$GUSCIO" shell bob@box pwd
	[ "$output" = / ]
}

@test "with one id root's shell is started, since nobody can change ids" {
	run_d --userns=single --name box "$root" sleep 100
	run -0 "$GUSCIO" shell box sh -c 'id -u; echo $HOME'
	[ "$output" = "$(printf '0\n/root')" ]
	run -125 "$GUSCIO" shell alice@box
	[[ "$output" == *"1000 is not mapped in this container"* ]]
	assert_one_line
}

@test "-t gives a terminal of its own, and login where there is one" {
	needs_ids
	run_d --name box "$root" sleep 100
	run -0 "$GUSCIO" shell -t box tty </dev/null
	[[ "$output" == /dev/pts/* ]]
	# What is in its place tells how it is called.
	printf '#!/bin/sh\necho "login got $*, $(id -u), $(tty)"\n' >"$root/bin/login"
	chmod 755 "$root/bin/login"
	run -0 "$GUSCIO" shell -t alice@box </dev/null
	[[ "$output" == "login got -f alice, 0, /dev/pts/"* ]]
	printf -- '-x:x:1002:1002::/:/bin/sh\n' >>"$root/etc/passwd"
	run -0 "$GUSCIO" shell -u -x box id -u
	[ "$output" = 1002 ]
}

@test "what is no login is refused with one line" {
	run -125 "$GUSCIO" shell nobody
	[[ "$output" == *"no container 'nobody'"* ]]
	run_d --userns=single --name box "$root" sleep 100
	for words in "-u bob alice@box" "@box" "alice@" "-u 7:8 box" "-u nobody box"; do
		run -125 "$GUSCIO" shell $words </dev/null
		assert_one_line
	done
	"$GUSCIO" kill box
	"$GUSCIO" wait box
	run -125 "$GUSCIO" shell box
	[[ "$output" == *"does not run"* ]]
}
