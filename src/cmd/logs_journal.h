/* SPDX-License-Identifier: Apache-2.0 */
/* logs_journal.h - the log of a container whose driver is journald */
#ifndef CMD_LOGS_JOURNAL_H
#define CMD_LOGS_JOURNAL_H

#include "cmd/container_command.h"

struct journal_wish {
	int64_t since_ns, until_ns; /* 0: none */
	uint64_t tail;		    /* UINT64_MAX: all */
};

/*
 * logs_journal() - print what journalctl finds, and with --follow what comes
 *
 * By journalctl, in its JSON: it is where the journal is, it knows every format and place of
 * journals, and what it prints is documented. libsystemd would do the same in one more helper.
 * Errors: ERR_HOST there is no journalctl.
 */
bool logs_journal(struct container_command *c, const struct container *record,
	const struct journal_wish *wish, struct err *e);

#endif
