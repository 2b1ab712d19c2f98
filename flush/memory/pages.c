#include "flush/memory/pages.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE_BYTES = 2 * 1024 * 1024 };

void *pages_map(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return at != MAP_FAILED ? at : NULL;
}

void pages_unmap(void *at, size_t bytes)
{
    if (at != NULL)
        munmap(at, bytes);
}

void pages_dense(void *at, size_t bytes)
{
    uintptr_t begin = ((uintptr_t)at + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);
    uintptr_t end = ((uintptr_t)at + bytes) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);

    if (begin < end) /* if the system has no huge pages, small ones serve */
        madvise((char *)at + (begin - (uintptr_t)at), end - begin, MADV_HUGEPAGE);
}

void pages_forget(void *at, size_t from, size_t to)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t begin = (from + page - 1) / page * page;
    size_t end = to / page * page;

    if (begin < end)
        madvise((char *)at + begin, end - begin, MADV_DONTNEED);
}

void pages_clear(void *at, size_t bytes)
{
    size_t rest = bytes % (size_t)sysconf(_SC_PAGESIZE);

    pages_forget(at, 0, bytes);
    memset((char *)at + bytes - rest, 0, rest);
}
