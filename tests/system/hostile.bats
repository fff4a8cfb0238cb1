#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hostile.bats - images, archives and programs are attackers

load helpers

# tarball NAME PYTHON: members are added with add(name, type, ...)
tarball() {
	python3 - "$work/$1" <<-EOF
	import io, sys, tarfile
	t = tarfile.open(sys.argv[1], "${3:-w}")
	def add(name, kind=tarfile.REGTYPE, link="", data=b"", mode=0o755, uid=0, gid=0):
	    i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data)
	    i.mode = mode; i.uid = uid; i.gid = gid
	    t.addfile(i, io.BytesIO(data))
	busybox = open("$root/bin/busybox", "rb").read()
	add("bin", tarfile.DIRTYPE); add("bin/sh", data=busybox)
	$2
	t.close()
	EOF
}

@test "CVE-2021-30465, 2025-52881: links as mount targets stay inside the root" {
	mkdir "$work/host" "$work/src"
	ln -s "$work/host" "$root/out"
	ln -s ../../../../../../../../.. "$root/up"
	run run_one -v "$work/src:/out/x" "$root" true
	[ -z "$(ls -A "$work/host")" ]
	run -0 run_one -v "$work/src:/up/y" "$root" ls /y
	[ -z "$(ls -A "$work/host")" ]
	ln -s /proc/self "$root/trick"
	run -125 run_one -v "$work/src:/trick/attr" "$root" true
	assert_one_line
	rm -rf "${root:?}/proc"
	ln -s /tmp "$root/proc"
	run -125 run_one "$root" true
	assert_one_line
	[[ $output == *"symbolic link"* ]]
}

@test "CVE-2025-31133: /dev/null of an image is no mask" {
	mkdir -p "$root/dev"
	echo fake >"$root/dev/null"
	run -0 run_one "$root" sh -c 'test -c /dev/null && cat /proc/keys | wc -c'
	[ "$output" = 0 ]
}

@test "CVE-2024-21626: the working directory cannot lie outside" {
	for fd in 3 4 5 6 7 8 9 10; do
		run run_one -w /proc/self/fd/$fd "$root" ls
		[ "$status" -eq 125 ]
		assert_one_line
	done
}

@test "guscio's own tables of pointers are read-only, with every libc" {
	command -v readelf >/dev/null || skip "readelf is not installed"
	local table base
	table=$(readelf -lW "$GUSCIO" | awk '$1 == "GNU_RELRO" { print $3 }')
	[ -n "$table" ]
	"$GUSCIO" run --userns=single --network none "$root" sleep 60 3>&- &
	pid=$!
	soon sh -c "'$GUSCIO' ps -q | grep -q ."
	base=$(awk -v file="$(realpath "$GUSCIO")" '$6 == file { split($1, ends, "-"); print ends[1]; exit }' /proc/$pid/maps)
	run -0 awk -v at="$(printf %x $(((0x$base + table) & -4096)))" '{ split($1, ends, "-") } ends[1] == at { print $2 }' /proc/$pid/maps
	kill $pid
	wait $pid || true
	[ "$output" = r--p ]
}

@test "CVE-2019-5736: the host's programs cannot be written through /proc" {
	run run_one "$root" sh -c 'echo x > /proc/1/exe'
	[ "$status" -ne 0 ]
	run -0 run_one "$root" true
}

@test "CVE-2019-5736: before pid 1 is init, the program reaches neither its file nor its descriptors" {
	command -v strace >/dev/null || skip "strace is not installed"
	# The moment between the two is made long. What pid 1 is called may be seen, and shows that it was there.
	run -0 strace -f -o /dev/null -e trace=execveat -e inject=execveat:delay_enter=500000 \
		"$GUSCIO" run --userns=single --network none --cap-add all @host \
		sh -c 'cat /proc/1/comm; readlink /proc/1/exe; readlink /proc/1/fd/*; sleep 1; cat /proc/1/comm'
	[ "${lines[0]}" = guscio ]
	[ "${lines[-1]}" = guscio-init ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "the root is left by no way: no old root, no host path" {
	# Nothing above "/", whatever the root is made of: a mount in between would be a way out.
	local look="[ \$(stat -c %d:%i /..) = \$(stat -c %d:%i /) ] && [ ! -e /..$work ] &&
		[ ! -e /../../..$work ] && [ \$(grep -c ' / / ' /proc/self/mountinfo) -le 1 ]"
	tar -C "$root" -cf "$work/root.tar" .
	run -0 run_one "$root" sh -c "$look"
	run -0 run_one --read-only "$root" sh -c "$look"
	run -0 run_one --overlay "$root" sh -c "$look"
	run -0 run_one --overlay=kept "$root" sh -c "$look"
	run -0 run_one "$work/root.tar" sh -c "$look"
	run -0 run_one -v "$root:/mnt:O" "$root" sh -c "$look"
	run -0 run_one @host sh -c "$look"
	run -0 "$GUSCIO" run --overlay "$root" sh -c "$look"
	run ! run_one --overlay "$root" ls "$work"
}

@test "hostile archives: names that climb, links that point out" {
	tarball up.tar 'add("../escaped", data=b"x")'
	run -125 run_one "$work/up.tar" true
	assert_one_line
	[[ $output == *"climbs out"* ]]
	tarball abs.tar "add(\"$work/absolute\", data=b'x')"
	run -0 run_one "$work/abs.tar" sh -c "exit 0"
	[ ! -e "$work/absolute" ]
	tarball through.tar "add('l', tarfile.SYMTYPE, '$work'); add('l/through', data=b'x')"
	run run_one "$work/through.tar" true
	[ ! -e "$work/through" ]
	tarball hard.tar "add('h', tarfile.LNKTYPE, '../../../../../../..$work/root/etc/passwd')"
	run -125 run_one "$work/hard.tar" true
	assert_one_line
	tarball dots.tar 'add("a/../../b", data=b"x")'
	run -125 run_one "$work/dots.tar" true
	assert_nothing_left
}

@test "hostile archives: devices are kept as notes, setuid stays inside" {
	tarball dev.tar 'add("dev2", tarfile.DIRTYPE); add("dev2/sda", tarfile.BLKTYPE); add("su", data=busybox, mode=0o4755)'
	run -0 run_one "$work/dev.tar" sh -c 'stat -c "%F %s" /dev2/sda; stat -c %a /su'
	[ "${lines[0]}" = "regular empty file 0" ]
	# With one id everybody who can reach the file would become the caller.
	[ "${lines[1]}" = 755 ]
	run -0 getfattr -n user.containers.override_stat --only-values --absolute-names \
		"$XDG_CACHE_HOME"/guscio/roots/*.single/dev2/sda
	[[ $output == 0:0:*:block-0-0 ]]
}

@test "hostile archives: an owner outside the map is named" {
	tarball big.tar 'add("file", data=b"x", uid=4000000000)'
	run -125 "$GUSCIO" run "$work/big.tar" true
	assert_one_line
	[[ $output == *4000000000* ]]
	run -0 run_one "$work/big.tar" sh -c 'echo read'
}

@test "no archive, an empty one, a truncated one, a directory in its place" {
	echo nothing >"$work/none.tar"
	run -125 run_one "$work/none.tar" true
	assert_one_line
	: >"$work/empty.tar"
	run -125 run_one "$work/empty.tar" true
	assert_one_line
	tarball good.tgz 'pass' w:gz
	head -c 100000 "$work/good.tgz" >"$work/cut.tgz"
	run -125 run_one "$work/cut.tgz" true
	assert_one_line
	run -125 run_one /dev/null true
	assert_one_line
	mkfifo "$work/fifo"
	run -125 run_one "$work/fifo" true
	assert_one_line
	[ -z "$(find "$work/cache" -name 'new.*')" ]
}

@test "a bomb of zeroes is stopped" {
	# Zstd packs zeroes ten thousand times; 1.2 GB is over what may come out of so little.
	truncate -s 1200M "$work/zero"
	tar -C "$work" -cf - zero | zstd -q -1 -o "$work/bomb.tar.zst"
	rm "$work/zero"
	run -125 run_one "$work/bomb.tar.zst" true
	assert_one_line
	[[ $output == *bomb* ]]
	[ -z "$(find "$work/cache" -name 'new.*')" ]
}

@test "a large tarball shows how far it is, on a terminal only" {
	head -c 150m /dev/urandom >"$root/large"
	tar -C "$root" -cf "$work/large.tar" .
	run -0 script -qec "$GUSCIO run --userns=single $work/large.tar true" /dev/null
	[[ $output == *"large.tar ["*"/"*unpacking* ]]
	rm "$work/large.tar"
	tar -C "$root" -cf "$work/large.tar" .
	run -0 --separate-stderr run_one "$work/large.tar" true
	[ -z "$stderr" ]
}

@test "tarballs: gzip, xz, zstd; unpacked once; changes are lost" {
	for packer in gzip xz zstd; do
		tar -C "$root" -cf - . | $packer -c >"$work/root.tar.$packer"
		run -0 run_one "$work/root.tar.$packer" sh -c 'touch /lost; echo here'
		[ "$output" = here ]
		run -0 run_one "$work/root.tar.$packer" ls /
		[[ $output != *lost* ]]
	done
	before=$(find "$work/cache/guscio/roots" -maxdepth 1 -name '*.single' | wc -l)
	run -0 run_one "$work/root.tar.xz" true
	[ "$(find "$work/cache/guscio/roots" -maxdepth 1 -name '*.single' | wc -l)" = "$before" ]
}

@test "two at once unpack one tarball" {
	tar -C "$root" -czf "$work/both.tgz" .
	run_one "$work/both.tgz" true &
	run -0 run_one "$work/both.tgz" true
	wait $!
	[ "$(find "$work/cache/guscio/roots" -maxdepth 1 -name '*.single' | wc -l)" = 1 ]
}

@test "terminal escapes in names do not reach the terminal" {
	run -125 run_one "$work/$(printf 'a\033[2Jb')" true
	[[ $output != *$'\033'* ]]
	run -127 run_one "$root" "$(printf 'x\033]0;title\007')"
	[[ $output != *$'\033'* ]]
}

@test "few descriptors, no memory to reserve, a profile that is none" {
	run -0 bash -c "ulimit -n 20; '$GUSCIO' run --userns=single '$root' true"
	run bash -c "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n 8; '$GUSCIO' run --userns=single '$root' true"
	[ "$status" -eq 125 ]
	assert_one_line
	run -125 bash -c "ulimit -v 50000; '$GUSCIO' run --userns=single '$root' true"
	assert_one_line
	echo '{"defaultAction": "SCMP_ACT_NONSENSE"}' >"$work/profile"
	run -125 run_one --security-opt seccomp="$work/profile" "$root" true
	assert_one_line
	echo '{' >"$work/profile"
	run -125 run_one --security-opt seccomp="$work/profile" "$root" true
	assert_one_line
}

@test "a full disk under the state directory" {
	run -0 "$GUSCIO" unshare sh -c "mount -t tmpfs -o size=4k,mode=700 none '$work/runtime' && mkdir '$work/runtime/guscio' && { '$GUSCIO' run --userns=single '$root' true; echo code \$?; }"
	[[ $output == *"code 125"* && $output == *"full"* ]]
}

@test "without /proc there is one sentence" {
	run "$GUSCIO" unshare sh -c "mount -t tmpfs none /proc 2>/dev/null && exec '$GUSCIO' run --userns=single '$root' true; echo no"
	[[ $output == *"needs /proc"* || $output == *no* ]]
}

@test "scripts without interpreter, wrong formats, missing loaders say so" {
	printf '#!/no/such/interpreter\n' >"$root/script"
	printf 'MZ not for here' >"$root/alien"
	chmod +x "$root/script" "$root/alien"
	run -127 run_one "$root" /script || run -126 run_one "$root" /script
	assert_one_line
	[[ $output == *"interpreter is not in the container"* ]]
	run -126 run_one "$root" /alien
	assert_one_line
	cp /bin/true "$root/dynamic"
	run -126 run_one "$root" /dynamic
	[[ $output == *"loader"* ]]
}
