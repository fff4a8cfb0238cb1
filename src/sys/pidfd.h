/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd.h - what a descriptor of a process tells [pidfd_open(2), ioctl PIDFD_GET_INFO] */
#ifndef SYS_PIDFD_H
#define SYS_PIDFD_H

#include <stdbool.h>

/*
 * pidfd_exit_status() - how a process ended that is not our child and has been reaped
 * @ret_status: as of waitpid(2)
 * False where the kernel does not keep it: before Linux 6.15.
 */
bool pidfd_exit_status(int pid_fd, int *ret_status);

/* A copy of a descriptor of that process, close-on-exec; -1 with errno [pidfd_getfd(2)]. */
int pidfd_copy(int pid_fd, int number);

#endif
