#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ids.bats - who may start a container, and ranges that are not as usual

load helpers

# A root with the host's programs, setuid id helpers and a user whose range is short.
make_short_range() { # directory; sets binds
	local place
	mkdir -p "$1/helpers" "$1/etc" "$1/tmp" "$1/run"
	chmod 777 "$1/tmp"
	cp "$(command -v newuidmap)" "$(command -v newgidmap)" "$1/helpers"
	chmod 4755 "$1/helpers/"*
	printf 'root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/tmp:/bin/sh\n' >"$1/etc/passwd"
	echo alice:3000:2000 >"$1/etc/subuid"
	cp "$1/etc/subuid" "$1/etc/subgid"
	binds=()
	for place in usr bin sbin lib lib32 lib64 libx32; do
		if [ -L "/$place" ]; then
			cp -P "/$place" "$1/$place"
		elif [ -d "/$place" ]; then
			binds+=(-v "/$place:/$place:ro")
		fi
	done
	[ ! -f /etc/ld.so.cache ] || cp /etc/ld.so.cache "$1/etc/"
}

@test "a real range of 2,000 ids: ids below work, what is lost is said in one line" {
	local build inner
	case ,$(findmnt -no OPTIONS -T "$work"), in
	*,nosuid,*) skip "newuidmap needs setuid inside, and ${TMPDIR:-/tmp} is mounted nosuid" ;;
	esac
	build=$(dirname "$(realpath "$GUSCIO")")
	make_short_range "$work/more/outer"
	printf 'last:x:1999:1999::/:/bin/sh\nbeyond:x:2001:2001::/:/bin/sh\n' >>"$root/etc/passwd"
	chmod -R a+rX "$root"
	inner="export XDG_RUNTIME_DIR=/tmp/runtime; mkdir -m 700 /tmp/runtime; cp -r /run/inner /tmp/inner
		short() { '$build/guscio' run --network=none \"\$@\"; }
		short /tmp/inner sh -c 'cat /proc/self/uid_map; touch /f; chown 100:1999 /f; stat -c %u:%g /f; su last -c \"id -u\"'
		short /tmp/inner chown 2001 /etc; echo \$?
		short -u beyond /tmp/inner true; echo \$?"
	# Setuid newuidmap writes as root: outside of containers it has every capability.
	run -0 --separate-stderr "$GUSCIO" run --network=none --nest --cap-add sys_admin -u alice \
		-e PATH=/helpers:/usr/bin:/bin "${binds[@]}" -v "$build:$build" -v "$root:/run/inner" \
		"$work/more/outer" bash -c "$inner"
	echo "$output"
	[ "$(tr -s ' ' <<<"${lines[*]}")" = " 0 1000 1 1 3000 2000 100:1999 1999 1 125" ]
	[ "$(grep -c '^guscio: note: 2001 ids are mapped inside: .* cannot be had$' <<<"$stderr")" = 3 ]
	[[ $stderr == *"user 2001 is not mapped in this container"* ]]
}

@test "real root is refused" {
	local answer
	[ -p "${GUSCIO_ROOT_SIDE-}/ask" ] || skip "only ./check as root has real root to try"
	timeout 10 bash -c 'echo >"$GUSCIO_ROOT_SIDE/ask"'
	answer=$(timeout 60 cat "$GUSCIO_ROOT_SIDE/answer")
	echo "$answer"
	[[ $answer == *$'\n'"status 125" ]]
	[[ $answer == "guscio: "*"root"* ]]
	[ "$(grep -c '^guscio: ' <<<"$answer")" = 1 ]
}
