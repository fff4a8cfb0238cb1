# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # for who sources it
# packages.sh - what is in the lab, and in the system that boots inside it

lab_suite=bookworm
lab_packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,procps,kmod,iproute2,crun,podman,bubblewrap,python3-minimal,bats,busybox-static,libarchive13,libcurl4,libisal2,libsubid4,libslirp0,libglib2.0-0,e2fsprogs
lab_inner_packages=systemd,systemd-sysv,dbus,login,procps,iproute2
