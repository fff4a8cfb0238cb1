/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/filter.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define NUMBERS_MAX 96
#define X32_FIRST   0x40000000u /* on x86 these are ordinary calls with another ABI */

#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(field)))
#define JUMP(kind, value, yes, no)                                                                 \
	((struct sock_filter)BPF_JUMP(                                                             \
		BPF_JMP | (kind) | BPF_K, (uint32_t)(value), (uint8_t)(yes), (uint8_t)(no)))
#define RETURN(action) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (action)))

/* Where the answer changes: it is "other" below the first, "listed" from there to the second, ...
 */
struct bounds {
	uint32_t at[2 * NUMBERS_MAX + 2];
	size_t n;
};

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static bool find_bounds(const struct filter_wish *wish, struct bounds *ret)
{
	uint32_t number[NUMBERS_MAX];
	size_t n = 0;
	for (const char *const *name = wish->names; *name; name++) {
		int found = seccomp_syscall_resolve_name(*name);
		if (found < 0)
			continue;
		if (n == NUMBERS_MAX)
			return false;
		number[n++] = (uint32_t)found;
	}
	qsort(number, n, sizeof(number[0]), compare);
	ret->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (ret->n > 0 && number[i] <= ret->at[ret->n - 1]) {
			ret->at[ret->n - 1] = number[i] + 1; /* beside the last one, or the same */
			continue;
		}
		ret->at[ret->n++] = number[i];
		ret->at[ret->n++] = number[i] + 1;
	}
	if (wish->other == SECCOMP_RET_ALLOW)
		ret->at[ret->n++] = X32_FIRST;
	return true;
}

static bool add(struct filter *f, struct sock_filter instruction)
{
	if (f->n == FILTER_ROOM)
		return false;
	f->code[f->n++] = instruction;
	return true;
}

/* The numbers between two bounds: those from @first to @end, which decide further. */
static bool add_search(struct filter *f, const struct filter_wish *wish, const struct bounds *b,
	size_t first, size_t end)
{
	if (first == end)
		return add(f, RETURN(first % 2 ? wish->listed : wish->other));
	size_t middle = first + (end - first) / 2, node = f->n;
	if (!add(f, JUMP(BPF_JGE, b->at[middle], 0, 0)) || !add_search(f, wish, b, first, middle))
		return false;
	size_t distance = f->n - node - 1;
	f->code[node].jt = (uint8_t)distance;
	return distance <= UINT8_MAX && add_search(f, wish, b, middle + 1, end);
}

static bool add_inet(struct filter *f, const struct filter_wish *wish)
{
	return add(f, JUMP(BPF_JEQ, seccomp_syscall_resolve_name("socket"), 0, 5)) &&
	       add(f, LOAD(offsetof(struct seccomp_data, args[0]))) &&
	       add(f, JUMP(BPF_JEQ, AF_INET, 1, 0)) && add(f, JUMP(BPF_JEQ, AF_INET6, 0, 1)) &&
	       add(f, RETURN(SECCOMP_RET_ALLOW)) && add(f, RETURN(wish->other));
}

bool filter_build(const struct filter_wish *wish, struct filter *ret)
{
	struct bounds bounds;
	ret->n = 0;
	/* libseccomp's number of an architecture is the kernel's. */
	return find_bounds(wish, &bounds) && add(ret, LOAD(offsetof(struct seccomp_data, arch))) &&
	       add(ret, JUMP(BPF_JEQ, seccomp_arch_native(), 1, 0)) &&
	       add(ret, RETURN(SECCOMP_RET_KILL_PROCESS)) &&
	       add(ret, LOAD(offsetof(struct seccomp_data, nr))) &&
	       (!wish->has_inet || add_inet(ret, wish)) &&
	       add_search(ret, wish, &bounds, 0, bounds.n);
}
