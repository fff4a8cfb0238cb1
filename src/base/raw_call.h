/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_call.h - system calls without a libc
 *
 * For code that has none (guscio-init), and for a second thread that has no errno of its
 * own: the answer is the kernel's, a negative error.
 *
 * raw_clone3() makes a thread on the stack of @args, as libc's clone(2) does it, whose own call
 * cannot choose the thread's id. @run never comes back.
 */
#ifndef BASE_RAW_CALL_H
#define BASE_RAW_CALL_H

/* The number is the same everywhere [clone(2)]. */
#define RAW_CLONE3 435

#if defined(__x86_64__)
static inline long raw_call4(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long raw_clone3(void *args, long size, int (*run)(void *), void *argument)
{
	register int (*to)(void *) __asm__("r12") = run;
	register void *with __asm__("r13") = argument;
	long ret;
	__asm__ volatile("syscall\n"
			 "	test %%rax, %%rax\n"
			 "	jnz 1f\n"
			 "	xor %%ebp, %%ebp\n"
			 "	mov %%r13, %%rdi\n"
			 "	call *%%r12\n"
			 "1:"
			 : "=a"(ret)
			 : "a"((long)RAW_CLONE3), "D"(args), "S"(size), "r"(to), "r"(with)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}
#elif defined(__aarch64__)
static inline long raw_call4(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

static inline long raw_clone3(void *args, long size, int (*run)(void *), void *argument)
{
	register long x8 __asm__("x8") = RAW_CLONE3;
	register void *x0 __asm__("x0") = args;
	register long x1 __asm__("x1") = size;
	register int (*to)(void *) __asm__("x20") = run;
	register void *with __asm__("x21") = argument;
	__asm__ volatile("svc #0\n"
			 "	cbnz x0, 1f\n"
			 "	mov x29, #0\n"
			 "	mov x0, x21\n"
			 "	blr x20\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(to), "r"(with)
			 : "memory", "cc");
	return (long)x0;
}
#elif defined(__riscv)
static inline long raw_call4(long nr, long a, long b, long c, long d)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}

static inline long raw_clone3(void *args, long size, int (*run)(void *), void *argument)
{
	register long a7 __asm__("a7") = RAW_CLONE3;
	register void *a0 __asm__("a0") = args;
	register long a1 __asm__("a1") = size;
	register int (*to)(void *) __asm__("s2") = run;
	register void *with __asm__("s3") = argument;
	__asm__ volatile("ecall\n"
			 "	bnez a0, 1f\n"
			 "	mv a0, s3\n"
			 "	jalr s2\n"
			 "1:"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(to), "r"(with)
			 : "memory");
	return (long)a0;
}
#else
#error "no system call for this architecture yet"
#endif

#endif
