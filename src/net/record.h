/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - named networks, on disk
 *
 * <data_dir>/networks/<name>.json says what a network is; it lives until it is removed.
 * Whether it runs, and who is in it, knows only its helper: see net/lease.h.
 */
#ifndef NET_RECORD_H
#define NET_RECORD_H

#include "base/address.h"
#include "base/arena.h"

#include <time.h>

#define NET_RECORD_VERSION 1
#define NET_ID_SIZE	   65
#define NET_RECORD_MAX	   65536 /* bytes of a file that is believed */

struct net_record {
	const char *name;
	const char *id; /* 64 hex digits */
	struct address_net subnet4;
	struct address_net subnet6; /* family 0: no IPv6 */
	struct address gateway4, gateway6;
	uint32_t mtu;		/* 0: the default */
	bool is_internal;	/* nothing leads outside */
	bool has_host_loopback; /* the gateway leads to the host's loopback */
	struct strv labels;	/* KEY=VALUE */
	time_t created;
};

/*
 * net_record_write() - make a network known
 * Errors: ERR_STATE when there is one of that name (with @is_new), or the disk refuses.
 */
bool net_record_write(
	const char *data_dir, const struct net_record *record, bool is_new, struct err *e);

/*
 * net_record_read() - by name, id or the unique beginning of an id
 * Errors: ERR_STATE there is none; ERR_INPUT a file that is damaged.
 */
bool net_record_read(const char *data_dir, const char *text, struct arena *arena,
	struct net_record *ret, struct err *e);

/* Whether there is a file of that name, damaged or not. */
bool net_record_exists(const char *data_dir, const char *name);

/* All of them, by name. A damaged one is left out and counted in @ret_damaged. */
bool net_record_list(const char *data_dir, struct arena *arena, struct net_record **ret,
	size_t *ret_n, size_t *ret_damaged, struct err *e);

bool net_record_remove(const char *data_dir, const char *name, struct err *e);

/* From and to the text of such a file; @name is the file's. Pure. */
bool net_record_parse(const char *text, size_t size, const char *name, struct arena *arena,
	struct net_record *ret, struct err *e);
/* From malloc; NULL when memory is short. */
char *net_record_print(const struct net_record *record);

/*
 * net_choose_subnet() - the first of 10.89.0.0/24 to 10.89.255.0/24 that nobody has
 * @taken: networks of ours and of this machine
 * False when all are taken.
 */
bool net_choose_subnet(
	const struct address_net *taken, size_t n_taken, int family, struct address_net *ret);
bool net_overlaps(const struct address_net *a, const struct address_net *b);

/* The networks that this machine's own devices are in: getifaddrs(3). */
bool net_host_networks(struct arena *arena, struct address_net **ret, size_t *ret_n, struct err *e);

#endif
