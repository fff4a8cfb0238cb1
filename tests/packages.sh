# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# packages.sh - the one table of packages; sourced by ./try and ./check
#
# install_packages build|test installs what is missing: as root directly, else
# through sudo, and says first which packages and why.

packages_for() { # distribution family, build or test
	case $1.$2 in
	debian.build) echo "gcc meson ninja-build pkg-config libcap-dev libbsd-dev libmd-dev libjansson-dev libseccomp-dev libsubid-dev libarchive-dev libssl-dev uidmap" ;;
	debian.test) echo "libcmocka-dev bats busybox-static libcap2-bin attr python3-minimal xz-utils zstd util-linux shellcheck clang clang-format libclang-rt-14-dev expect bubblewrap scdoc" ;;
	fedora.build) echo "gcc meson ninja-build pkgconf-pkg-config libcap-devel libbsd-devel jansson-devel libseccomp-devel shadow-utils-subid-devel libarchive-devel openssl-devel shadow-utils" ;;
	fedora.test) echo "libcmocka-devel bats busybox attr python3 xz zstd util-linux ShellCheck clang clang-tools-extra compiler-rt expect bubblewrap scdoc" ;;
	arch.build) echo "gcc meson ninja pkgconf libcap libbsd jansson libseccomp shadow libarchive openssl" ;;
	arch.test) echo "cmocka bats busybox attr python xz zstd util-linux shellcheck clang compiler-rt expect bubblewrap scdoc" ;;
	alpine.build) echo "gcc musl-dev linux-headers meson ninja pkgconf libcap-dev libbsd-dev jansson-dev libseccomp-dev shadow-dev shadow-subids shadow-uidmap libarchive-dev openssl-dev" ;;
	alpine.test) echo "cmocka-dev bats busybox-static attr python3 xz zstd util-linux shellcheck clang clang-extra-tools compiler-rt expect bubblewrap scdoc bash" ;;
	esac
}

family() {
	if command -v apt-get >/dev/null 2>&1; then
		echo debian
	elif command -v dnf >/dev/null 2>&1; then
		echo fedora
	elif command -v pacman >/dev/null 2>&1; then
		echo arch
	elif command -v apk >/dev/null 2>&1; then
		echo alpine
	fi
}

is_installed() { # family, package
	case $1 in
	debian) dpkg-query -W -f '${Status}' "$2" 2>/dev/null | grep -q 'install ok installed' ;;
	fedora) rpm -q --quiet "$2" ;;
	arch) pacman -Q "$2" >/dev/null 2>&1 ;;
	alpine) apk info -e "$2" >/dev/null 2>&1 ;;
	esac
}

missing_packages() { # build or test
	found=$(family)
	for package in $(packages_for "$found" "$1"); do
		is_installed "$found" "$package" || printf '%s ' "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

install_packages() { # build or test
	missing=$(missing_packages "$1")
	[ -n "$missing" ] || return 0
	echo "guscio needs these packages to $1: $missing"
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
		echo "there is no sudo here: install them as root, then run this again" >&2
		return 1
	fi
	# shellcheck disable=SC2086 # a list of words
	case $(family) in
	debian)
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null 2>&1 || {
			as_root apt-get update -qq
			as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
		}
		;;
	fedora) as_root dnf install -y -q $missing ;;
	arch) as_root pacman -S --noconfirm --needed $missing ;;
	alpine) as_root apk add -q $missing ;;
	*)
		echo "this distribution is not known to guscio: install what meson asks for" >&2
		return 1
		;;
	esac
}

# Real root: guscio refuses it, so an ordinary user goes on in its place.
make_user() {
	id container-user >/dev/null 2>&1 || useradd -m -s /bin/bash container-user
	grep -q '^container-user:' /etc/subuid 2>/dev/null ||
		usermod --add-subuids 100000-165535 --add-subgids 100000-165535 container-user
}

# A directory that container-user can read and build in, with the same sources.
copy_tree() { # from, to
	mkdir -p "$2"
	(cd "$1" && tar cf - --exclude './build*' --exclude ./.git .) | (cd "$2" && tar xf -)
	chown -R container-user: "$2"
}
