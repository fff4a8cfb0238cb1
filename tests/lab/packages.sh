# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # for who sources it
# packages.sh - what is in the lab, and in the system that boots inside it

# Debian 12, or with LAB_SUITE=trixie Debian 13.
lab_suite=${LAB_SUITE:-bookworm}
lab_packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,procps,kmod,iproute2,crun,podman,bubblewrap,python3-minimal,bats,busybox-static,libisal2,libslirp0,e2fsprogs
case $lab_suite in
bookworm) lab_packages=$lab_packages,libarchive13,libcurl4,libsubid4,libglib2.0-0 ;;
*) lab_packages=$lab_packages,libarchive13t64,libcurl4t64,libsubid5,libglib2.0-0t64 ;;
esac
lab_inner_packages=systemd,systemd-sysv,dbus,login,libpam-systemd,procps,iproute2
