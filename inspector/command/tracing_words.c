// SPDX-License-Identifier: MIT
#include "inspector/command/tracing_words.h"

void say_not_tracing(pid_t pid, struct text *text)
{
    text_addf(text,
              "process %d does not trace its allocations: start it with PYTHONTRACEMALLOC=10 in "
              "its environment, or as python3 -X tracemalloc=10 ...; 10 is how many frames are "
              "kept of each traceback. ",
              (int)pid);
}
