// SPDX-License-Identifier: MIT
/*
 * no_call - system calls that fail from now on, in the calling process and for good: what a test
 * does afterwards, it did without them.
 */
#ifndef PYINSPECT_TESTS_NO_CALL_H
#define PYINSPECT_TESTS_NO_CALL_H

/* PTRACE_SEIZE, without which no process can be stopped. */
void no_call_seize(void);

/* process_vm_readv, as in some containers: EPERM. */
void no_call_readv(void);

#endif
