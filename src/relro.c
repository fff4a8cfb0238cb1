/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relro.c - tables of pointers are read-only from the beginning on, also with musl
 *
 * glibc does it when it has relocated a static program; musl leaves those pages writable.
 */
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Before every other constructor. */
__attribute__((constructor(101))) static void protect_relocated(void)
{
	uintptr_t base = (uintptr_t)&__ehdr_start, page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const ElfW(Phdr) *segments = (const void *)(base + __ehdr_start.e_phoff);
	for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
		uintptr_t begin = (base + segments[i].p_vaddr) & -page;
		uintptr_t end = (base + segments[i].p_vaddr + segments[i].p_memsz) & -page;
		if (segments[i].p_type == PT_GNU_RELRO && end > begin &&
			mprotect((void *)begin, end - begin, PROT_READ) < 0)
			__builtin_trap();
	}
}
