/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - where systemd's journal takes entries [systemd.io/JOURNAL_NATIVE_PROTOCOL] */
#ifndef WIRE_JOURNAL_H
#define WIRE_JOURNAL_H

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#endif
