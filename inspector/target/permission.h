// SPDX-License-Identifier: MIT
/*
 * permission - why the kernel does not let us look into a process, and what would mend it.
 */
#ifndef PYINSPECT_PERMISSION_H
#define PYINSPECT_PERMISSION_H

#include "symbols/base/error.h"

#include <sys/types.h>

/*
 * Sets ERROR_TARGET with one line that names what stands in the way of `what` ("attach to", "read
 * the memory of"), as found: the owner and the missing CAP_SYS_PTRACE, a process that is not
 * dumpable, Yama's ptrace_scope, NoNewPrivs or a seccomp filter on ourselves. `proc` is a
 * descriptor of /proc/PID, `number` the errno of the refusal. Returns false.
 */
bool permission_refused(pid_t pid, int proc, const char *name, const char *what, int number,
                        struct error *err);

/* The same for a process that `tracer` holds already. */
bool permission_refused_traced(pid_t pid, const char *name, pid_t tracer, struct error *err);

#endif
