// SPDX-License-Identifier: MIT
#include "inspector/target/rooms.h"

#include <sys/mman.h>

void rooms_open(struct rooms *rooms)
{
    void *reserved = mmap(NULL, ROOMS_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (reserved == MAP_FAILED)
        return;
    /* The readers of files that we fork have no use for it, and after a fork each page is faulted
     * in again. */
    madvise(reserved, ROOMS_BYTES, MADV_DONTFORK);
    *rooms = (struct rooms){.bytes = reserved};
}

void rooms_close(struct rooms *rooms)
{
    if (rooms->bytes)
        munmap(rooms->bytes, ROOMS_BYTES);
    *rooms = (struct rooms){0};
}

uint8_t *rooms_lend(struct rooms *rooms, uint64_t size)
{
    if (!rooms->bytes || size > ROOMS_BYTES - rooms->used)
        return NULL;
    uint8_t *room = rooms->bytes + rooms->used;
    rooms->used += size;
    rooms->lent++;
    return room;
}

void rooms_take_back(struct rooms *rooms)
{
    if (--rooms->lent == 0)
        rooms->used = 0;
}
