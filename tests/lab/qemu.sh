# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# qemu.sh - what tests/lab/run and tests/lab/shell share; they set $top

# Where disks are kept between runs: ours alone, or somebody else's disk would be booted.
lab_cache() {
	local cache=${GUSCIO_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guscio-lab}
	mkdir -p "$cache" && [ -O "$cache" ] && echo "$cache"
}

# Why the lab cannot be here, or nothing.
lab_missing() {
	local tool
	for tool in qemu-system-x86_64 mmdebstrap mke2fs busybox newuidmap; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || {
			echo "$tool is not installed"
			return
		}
	done
	[ "$(uname -m)" = x86_64 ] || echo "the lab is an x86_64 machine"
}

# The second disk: a tar of the build, the tests and what to run.
lab_pack() { # build directory, output, directory with more files
	local build=$1 output=$2 more=$3
	# shellcheck disable=SC2154
	mkdir -p "$more/build/helpers" "$more/lib" &&
		cp "$build/guscio" "$more/build/" &&
		# Another Debian than the build's has another version of it.
		cp "$(ldd "$build/helpers/guscio-subid" | sed -n 's/.*=> \(.*libsubid[^ ]*\).*/\1/p')" "$more/lib/" &&
		find "$build/helpers" -maxdepth 1 -type f -name 'guscio-*' -exec cp {} "$more/build/helpers/" \; &&
		tar -cf "$output" --owner=1000 --group=1000 -C "$more" . -C "$top" tests/lab tests/bench
}

# No KVM is asked for: where there is none, qemu would say so in the results.
lab_boot() { # directory of the lab, second disk, third disk, more options
	local lab=$1 brought=$2 spare=$3
	shift 3
	# -snapshot: what the lab writes to its disk ends with it.
	nice -n 5 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -no-reboot \
		-display none -kernel "$lab/vmlinuz" -initrd "$lab/initrd" -nic none \
		-drive "file=$lab/disk.img,if=virtio,format=raw,cache=unsafe,snapshot=on" \
		-drive "file=$brought,if=virtio,format=raw,readonly=on" \
		-drive "file=$spare,if=virtio,format=raw,cache=unsafe" \
		-append "root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=0 mitigations=off" "$@"
}
