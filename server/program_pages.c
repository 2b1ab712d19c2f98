#include "server/program_pages.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* What /proc/PID/pagemap says of a page (proc(5)); a process may read that of its own. */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61)

enum { PAGES_AT_ONCE = 256 };

struct pages {
    int map; /* of this process: its pagemap */
    uintptr_t bytes_each;
};

/* Of n pages: adds to *mapped those that are the file's. False: one is no longer that. */
static bool count(const uint64_t *pages, size_t n, size_t *mapped)
{
    for (size_t i = 0; i < n; i++) {
        bool there = (pages[i] & (PAGE_PRESENT | PAGE_SWAPPED)) != 0;

        if (there && (pages[i] & PAGE_OF_FILE) == 0)
            return false;
        *mapped += there;
    }
    return true;
}

/* Whether all pages from begin to end that are mapped are the file's, and some are: an address
 * that means something else to the system than to us, in an emulator, has none. */
static bool is_as_in_the_file(const struct pages *pages, uintptr_t begin, uintptr_t end)
{
    uint64_t told[PAGES_AT_ONCE];
    size_t mapped = 0;

    for (uintptr_t page = begin / pages->bytes_each; page < end / pages->bytes_each;) {
        size_t left = end / pages->bytes_each - page;
        size_t n = left < PAGES_AT_ONCE ? left : PAGES_AT_ONCE;
        size_t bytes = n * sizeof told[0];

        if (pread(pages->map, told, bytes, (off_t)(page * sizeof told[0])) != (ssize_t)bytes ||
            !count(told, n, &mapped))
            return false;
        page += n;
    }
    return mapped > 0;
}

static int give_back(struct dl_phdr_info *object, size_t size, void *argument)
{
    const struct pages *pages = argument;
    uintptr_t mask = ~(pages->bytes_each - 1);

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & mask;
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz - 1) & mask;

        end += pages->bytes_each;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0 &&
            is_as_in_the_file(pages, begin, end))
            madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void program_pages_give_back(void)
{
    struct pages pages = {
        .map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
        .bytes_each = (uintptr_t)sysconf(_SC_PAGESIZE),
    };

    if (pages.map < 0)
        return;
    dl_iterate_phdr(give_back, &pages); /* while it goes on no library comes or goes */
    close(pages.map);
}
