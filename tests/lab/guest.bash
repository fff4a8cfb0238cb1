# SPDX-License-Identifier: Apache-2.0
# guest.bash - what every test in the lab starts from

bats_require_minimum_version 1.5.0
GUSCIO=$BUILD/guscio

setup() {
	root=/home/lab/busybox
	[ -d "$root" ] || make_root "$root"
}

# A root with every applet of busybox.
make_root() {
	mkdir -p "$1/bin" "$1/etc" "$1/tmp"
	cp /bin/busybox "$1/bin/busybox"
	# One process for 400 links: each is slow in an emulator.
	/bin/busybox --list | python3 -c 'import os, sys
for name in sys.stdin.read().split():
    name == "busybox" or os.symlink("busybox", sys.argv[1] + "/bin/" + name)' "$1"
	printf 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nalice:x:1000:\n' >"$1/etc/group"
}
