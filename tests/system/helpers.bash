# SPDX-License-Identifier: Apache-2.0
# helpers.bash - what every system test starts from
#
# BUILD is the build directory. A test gets an empty runtime, data and cache
# directory of its own, and a root directory with a static busybox.

bats_require_minimum_version 1.5.0

GUSCIO=${BUILD:-$BATS_TEST_DIRNAME/../../build}/guscio

setup() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/guscio-test.XXXXXX")
	export XDG_RUNTIME_DIR=$work/runtime XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	root=$work/root
	make_root "$root"
}

remove_containers() {
	local id
	for id in $("$GUSCIO" ps -aq 2>/dev/null); do "$GUSCIO" rm -f "$id" >/dev/null 2>&1 || true; done
}

remove_all() {
	# podman leaves a process that holds its namespaces.
	[ ! -s "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid" ] || kill "$(cat "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid")" || true
	# Files of subordinate ids: only inside the namespace can they be removed.
	"$GUSCIO" unshare rm -rf "$work/root" "$work/data" "$work/cache" "$work/more" 2>/dev/null || true
	chmod -R u+rwx "$work" 2>/dev/null || true
	rm -rf "$work"
}

teardown() {
	remove_all
}

# Until a command succeeds: ten seconds at most.
soon() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	echo "not soon: $*"
	return 1
}

make_root() {
	local applet
	mkdir -p "$1/bin" "$1/etc"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for applet in sh ls cat id true false echo touch mkdir rm ps mount umount stty sleep env hostname \
		dnsdomainname wc kill grep head stat tty chown chmod ln readlink trap sysctl date nc ip \
		su test dd seq tr sort tail unshare cut printf ifconfig; do
		ln -s busybox "$1/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nalice:x:1000:\nproject:x:2000:alice,root\n' >"$1/etc/group"
}

# One id: what needs no subordinate ranges.
run_one() {
	"$GUSCIO" run --userns=single "$@"
}

# The last error is one line that begins with guscio:, perhaps with a hint after it.
assert_one_line() {
	local lines_of_error
	lines_of_error=$(printf '%s\n' "$output" | grep -c '^guscio: ' || true)
	[ "$lines_of_error" -eq 1 ] || { echo "not one error line: $output"; return 1; }
	! printf '%s\n' "$output" | grep -v -e '^guscio: ' -e '^hint: ' -e '^$'
}

assert_nothing_left() {
	[ -z "$(find "$XDG_RUNTIME_DIR" -mindepth 2 ! -name names ! -name subid.cache 2>/dev/null)" ]
}
