/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h - a program without a libc: its entry point
 *
 * Measured: a static libc asks the processor for its features at each start (cpuid, which a
 * virtual machine answers slowly), 0.4 ms of 0.5; without it an exec costs 0.1 ms.
 * init is started in every container and needs eight system calls.
 */
#ifndef INIT_RAW_H
#define INIT_RAW_H

#include "base/raw_call.h"

#include <asm/unistd.h>

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call raw_start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x0, sp\n"
	"	and sp, x0, #-16\n"
	"	bl raw_start\n");
#elif defined(__riscv)
__asm__(".globl _start\n"
	"_start:\n"
	"	mv a0, sp\n"
	"	andi sp, sp, -16\n"
	"	call raw_start\n");
#else
#error "init has no entry point for this architecture yet"
#endif

/* The stack as the kernel leaves it: argc, argv[], NULL, environment. */
void raw_start(long *stack) __attribute__((noreturn, used));

#endif
