// SPDX-License-Identifier: MIT
/*
 * own_memory - how much memory pyinspect may take on this machine.
 */
#ifndef PYINSPECT_OWN_MEMORY_H
#define PYINSPECT_OWN_MEMORY_H

#include <stdint.h>

/*
 * Bytes that are available to us without taking them from anybody: what the kernel estimates
 * (MemAvailable), what our cgroup's limit leaves (versions 1 and 2, ours and those above), what
 * ulimit -v leaves; the least of them. UINT64_MAX where none is known.
 */
uint64_t own_memory_available(void);

#endif
