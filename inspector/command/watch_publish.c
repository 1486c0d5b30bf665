// SPDX-License-Identifier: MIT
#include "inspector/command/watch_publish.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"

#include <fcntl.h>

bool watch_publish_begin(struct watch_prometheus **ret,
                         const struct watch_prometheus_options *options,
                         const struct watch_crew *crew, struct error *err)
{
    char path[32], name[64] = "";

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)crew->items[0].pid);
    proc_file_read(AT_FDCWD, path, name, sizeof(name));
    name[strcspn(name, "\n")] = '\0';
    return watch_prometheus_begin(ret, options, name, err);
}

static void add_process(struct watch_prometheus_round *round,
                        struct watch_prometheus_process *processes,
                        const struct watch_process *process)
{
    const struct snapshot *snapshot = &process->snapshot;
    bool sampled = process->outcome == WATCH_SAMPLED || process->outcome == WATCH_UNSAVED;

    round->sampled += sampled;
    round->failed += !sampled;
    round->stopped_milliseconds += process->stopped_milliseconds;
    if (sampled && !snapshot->occasion.complete)
        round->complete = false;
    if (sampled && snapshot->occasion.pause_milliseconds > round->pause_milliseconds)
        round->pause_milliseconds = snapshot->occasion.pause_milliseconds;
    if (process->has_snapshot)
        processes[round->process_count++] =
            (struct watch_prometheus_process){.pid = process->pid,
                                              .objects = snapshot->objects,
                                              .bytes = snapshot->bytes,
                                              .resident_bytes = snapshot->occasion.resident_bytes};
}

bool watch_publish(struct watch_prometheus *metrics, const struct watch_crew *crew,
                   struct growth *growth, int64_t time_ms, struct error *err)
{
    struct watch_prometheus_round round = {.taken_ms = time_ms, .complete = true};
    AUTO_FREE struct watch_prometheus_process *processes = NULL;

    if (!metrics)
        return true;
    processes = calloc(crew->count + 1, sizeof(*processes));
    if (!processes)
        return error_memory(err);
    for (size_t i = 0; i < crew->count; i++) {
        if (!crew->items[i].is_bystander && crew->items[i].outcome != WATCH_ENDED)
            add_process(&round, processes, &crew->items[i]);
    }
    round.processes = processes;
    return (!growth || growth_rows(growth, GROWTH_BY_COUNT, &round.rows, &round.row_count, err)) &&
           watch_prometheus_write(metrics, &round, err);
}
