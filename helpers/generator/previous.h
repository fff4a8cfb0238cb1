/* SPDX-License-Identifier: Apache-2.0 */
/* previous.h - what an earlier run has made in a directory of units that others use too */
#ifndef GENERATOR_PREVIOUS_H
#define GENERATOR_PREVIOUS_H

/*
 * Removes our units, which their first line tells, and the links to them. Everybody else's
 * stay, and a directory only goes when nothing is left in it.
 */
void previous_remove(int dir_fd);

#endif
