#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/program_pages.h"
#include "tests/support/running.h"

/* Whether the page of an address is mapped now, as /proc/self/pagemap says. */
static bool is_mapped(const void *at)
{
    uint64_t page = (uintptr_t)at / (uintptr_t)sysconf(_SC_PAGESIZE), told = 0;
    int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    assert_true(map >= 0);
    assert_int_equal(pread(map, &told, sizeof told, (off_t)(page * sizeof told)), sizeof told);
    close(map);
    return told >> 63 != 0;
}

/* A constant and a function of a library that nothing else here calls. */
static const char *a_constant(void)
{
    return sqlite3_libversion();
}

static const void *a_function(void)
{
    return (const void *)(uintptr_t)sqlite3_libversion;
}

static void code_and_constants_are_given_back_and_come_again(void **state)
{
    static int data = 1;
    char text[32];
    (void)state;

    data = 2;
    snprintf(text, sizeof text, "%s", a_constant());
    assert_true(is_mapped(a_constant()) && is_mapped(a_function()));
    const char *constant = a_constant();
    program_pages_give_back();
    assert_false(is_mapped(a_function()) || is_mapped(constant));
    assert_string_equal(a_constant(), text);
    assert_int_equal(data, 2);
}

/* As a debugger writes a breakpoint: the page is then the process's own. */
static void a_segment_that_was_written_stays_as_it_is(void **state)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *constant = (char *)(uintptr_t)a_constant();
    void *page = (void *)((uintptr_t)constant & ~(page_bytes - 1));
    char before = constant[0];
    (void)state;

    assert_int_equal(mprotect(page, page_bytes, PROT_READ | PROT_WRITE), 0);
    constant[0] = '!';
    assert_int_equal(mprotect(page, page_bytes, PROT_READ), 0);
    program_pages_give_back();
    assert_int_equal(((volatile char *)constant)[0], '!');
    assert_int_equal(mprotect(page, page_bytes, PROT_READ | PROT_WRITE), 0);
    constant[0] = before;
    assert_int_equal(mprotect(page, page_bytes, PROT_READ), 0);
}

static bool given_back(const struct server_view *view, uint64_t n)
{
    (void)view, (void)n;
    return !is_mapped(a_function());
}

static void a_server_gives_back_what_its_start_took(void **state)
{
    static struct running running;
    (void)state;

    assert_non_null(a_constant());
    assert_true(is_mapped(a_function()));
    assert_true(RUNNING_START(&running, NULL, "heeler_interval=1"));
    assert_true(running_until(&running, given_back, 0));
    assert_true(running_stop(&running));
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_and_constants_are_given_back_and_come_again),
        cmocka_unit_test(a_server_gives_back_what_its_start_took),
        cmocka_unit_test(a_segment_that_was_written_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
