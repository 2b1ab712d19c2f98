#include "tests/support/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Room in front of each guard page; the longest datagram and a stream's frame fit. */
enum { ROOM = 1 << 18 };

static char *map_room(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at =
        mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || mprotect(at + ROOM, page, PROT_NONE) != 0) {
        perror("guard page");
        abort();
    }
    return at;
}

struct slice guarded(const void *bytes, size_t len)
{
    static char *rooms[GUARD_COPIES];
    static unsigned turn;
    char **room = &rooms[turn++ % GUARD_COPIES];

    if (*room == NULL)
        *room = map_room();
    if (len > ROOM) {
        fprintf(stderr, "guarded: %zu bytes are too many\n", len);
        abort();
    }
    if (len > 0)
        memcpy(*room + ROOM - len, bytes, len);
    return (struct slice){ *room + ROOM - len, len };
}
