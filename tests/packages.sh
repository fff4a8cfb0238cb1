# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# packages.sh - the one table of packages; sourced by ./try and ./check
#
# install_packages build|test installs what is missing: as root directly, else
# through sudo, and says first which packages and why.

packages_for() { # distribution family, build or test
	case $1.$2 in
	debian.build) echo "gcc meson ninja-build pkg-config libcap-dev libbsd-dev libmd-dev libjansson-dev libseccomp-dev libsubid-dev libarchive-dev libcurl4-openssl-dev libisal-dev libzstd-dev liblzma-dev libssl-dev libslirp-dev libglib2.0-dev uidmap" ;;
	debian.test) echo "libcmocka-dev bats busybox-static libcap2-bin attr python3-minimal xz-utils zstd util-linux shellcheck clang clang-format libclang-rt-dev expect bubblewrap scdoc make cmake docker-registry skopeo umoci buildah podman mmdebstrap qemu-system-x86 e2fsprogs apache2-utils openssl curl jq strace iproute2 iputils-ping netcat-openbsd procps" ;;
	fedora.build) echo "gcc glibc-static meson ninja-build pkgconf-pkg-config libcap-devel libbsd-devel jansson-devel libseccomp-devel shadow-utils-subid-devel libarchive-devel libcurl-devel isa-l-devel libzstd-devel xz-devel libmd-devel openssl-devel libslirp-devel glib2-devel shadow-utils" ;;
	fedora.test) echo "libcmocka-devel bats busybox attr python3 xz zstd util-linux ShellCheck clang clang-tools-extra compiler-rt expect bubblewrap scdoc skopeo podman mmdebstrap qemu-system-x86-core e2fsprogs openssl curl jq strace iproute iputils netcat procps-ng" ;;
	arch.build) echo "gcc meson ninja pkgconf libcap libbsd jansson libseccomp shadow libarchive curl isa-l zstd xz libmd openssl libslirp glib2" ;;
	arch.test) echo "cmocka bats busybox attr python xz zstd util-linux shellcheck clang compiler-rt expect bubblewrap scdoc skopeo podman qemu-system-x86 e2fsprogs openssl curl jq strace iproute2 iputils openbsd-netcat procps-ng" ;;
	alpine.build) echo "gcc musl-dev linux-headers meson ninja pkgconf libcap-dev libbsd-dev jansson-dev libseccomp-dev shadow-dev shadow-subids shadow-uidmap libarchive-dev curl-dev isa-l-dev zstd-dev xz-dev libmd-dev openssl-dev libslirp-dev glib-dev" ;;
	alpine.test) echo "cmocka-dev bats busybox-static attr python3 xz zstd util-linux shellcheck clang clang-extra-tools compiler-rt expect bubblewrap scdoc bash skopeo podman qemu-system-x86_64 e2fsprogs openssl curl jq strace iproute2 iputils-ping netcat-openbsd procps" ;;
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

# Prints the line that says so, if that is why something could not be fetched.
no_way_to_packages() { # log
	grep -m 1 -iE 'could not resolve|failure resolving|could not connect|unable to connect|failed to fetch|apt-get update .*failed' "$1"
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

# The one place that knows how each package manager is asked.
install_with() { # family, package...
	known=$1
	shift
	case $known in
	debian) as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null ;;
	fedora) as_root dnf install -y -q "$@" ;;
	arch) as_root pacman -S --noconfirm --needed "$@" ;;
	alpine) as_root apk add -q "$@" ;;
	esac
}

refresh_lists() { # family
	case $1 in
	debian) as_root apt-get update -qq ;;
	arch) as_root pacman -Sy --noconfirm ;;
	alpine) as_root apk update -q ;;
	esac
}

install_packages() { # build or test
	missing=$(missing_packages "$1")
	[ -n "$missing" ] || return 0
	echo "guscio needs these packages to $1: $missing"
	if [ -z "$(family)" ]; then
		echo "this distribution is not known to guscio: install what meson asks for" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
		echo "there is no sudo here: install them as root, then run this again" >&2
		return 1
	fi
	[ "$(id -u)" = 0 ] || echo "sudo is asked to install them; nothing else here uses it"
	# shellcheck disable=SC2086 # a list of words
	install_with "$(family)" $missing 2>/dev/null && return 0
	refresh_lists "$(family)" || true
	# shellcheck disable=SC2086
	install_with "$(family)" $missing && return 0
	# One name that this release does not have must not keep the others away.
	for package in $missing; do
		install_with "$(family)" "$package" 2>/dev/null ||
			echo "not available here: $package" >&2
	done
	# Without one for a test, that test is skipped; without one for the build, meson says which.
	return 0
}

# The first id after every range that is given out: a range given twice would let
# one user be root over the other's files.
free_range() { # file
	[ -r "$1" ] || {
		echo 100000-165535
		return
	}
	awk -F: 'BEGIN { first = 100000 }
		$2 + $3 > first { first = $2 + $3 }
		END { print first "-" first + 65535 }' "$1"
}

# Real root: guscio refuses it, so an ordinary user goes on in its place.
make_user() {
	id container-user >/dev/null 2>&1 || useradd -m -s /bin/bash container-user || return 1
	grep -q '^container-user:' /etc/subuid 2>/dev/null ||
		usermod --add-subuids "$(free_range /etc/subuid)" container-user || return 1
	grep -q '^container-user:' /etc/subgid 2>/dev/null ||
		usermod --add-subgids "$(free_range /etc/subgid)" container-user
}

# Not runuser: its login session is none of ours, and there may be no PAM. The
# caller's PATH may lead into its home, which this user cannot enter.
as_user() { # home, command...
	home_of_user=$1
	shift
	setpriv --reuid container-user --regid container-user --init-groups \
		env -u XDG_RUNTIME_DIR -u XDG_DATA_HOME -u XDG_CACHE_HOME -u XDG_CONFIG_HOME \
		HOME="$home_of_user" USER=container-user LOGNAME=container-user TMPDIR=/tmp \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# The same sources where container-user can read and build. That user writes them
# itself: root following names in a directory of another user could be led astray.
copy_tree() { # from, to, home
	as_user "$3" mkdir -p "$2" &&
		(cd "$1" && tar cf - --exclude './build*' --exclude ./.git .) |
		as_user "$3" tar xf - -C "$2"
}
