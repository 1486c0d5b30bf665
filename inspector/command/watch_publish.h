// SPDX-License-Identifier: MIT
/*
 * watch_publish - what a round came to, for watch_prometheus.h.
 */
#ifndef PYINSPECT_WATCH_PUBLISH_H
#define PYINSPECT_WATCH_PUBLISH_H

#include "inspector/command/watch_crew.h"
#include "inspector/command/watch_prometheus.h"

/* Finds the name of the first process, which stands for all where no service is named. Fails as
 * watch_prometheus_begin. */
MUST_CHECK bool watch_publish_begin(struct watch_prometheus **ret,
                                    const struct watch_prometheus_options *options,
                                    const struct watch_crew *crew, struct error *err);

/*
 * `growth` has the rows of the round (NULL: there never was a sample). Does nothing where metrics
 * is NULL. Fails as watch_prometheus_write, and for want of memory.
 */
MUST_CHECK bool watch_publish(struct watch_prometheus *metrics, const struct watch_crew *crew,
                              struct growth *growth, int64_t time_ms, struct error *err);

#endif
