#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/memory/own_lines.h"
#include "flush/parcels/inbox.h"
#include "flush/parcels/ledger.h"
#include "server/receive/listener.h"

/* Of which there is an array with one for each worker. */
_Static_assert(sizeof(struct worker_ledger) % OWN_LINE == 0, "workers' counts share no line");
_Static_assert(sizeof(struct worker_account) % OWN_LINE == 0, "workers' accounts neither");
_Static_assert(sizeof(struct listener_socket) % OWN_LINE == 0, "workers' sockets neither");

enum { BLOCKS = 64 };

static uintptr_t line_of(const void *at)
{
    return (uintptr_t)at / OWN_LINE;
}

static void a_block_shares_no_line_with_what_lies_beside_it(void **state)
{
    char *blocks[BLOCKS], *others[BLOCKS];
    (void)state;

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = own_lines(1 + i * 7);
        others[i] = malloc(1 + i * 5);
        assert_true(blocks[i] != NULL && others[i] != NULL);
        assert_int_equal((uintptr_t)blocks[i] % OWN_LINE, 0);
        for (size_t at = 0; at < 1 + i * 7; at++)
            assert_int_equal(blocks[i][at], 0);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t j = 0; j < BLOCKS; j++) {
            uintptr_t first = line_of(blocks[i]), last = line_of(blocks[i] + i * 7);

            assert_true(line_of(others[j] + j * 5) < first || line_of(others[j]) > last);
            assert_true(i == j || line_of(blocks[j] + j * 7) < first ||
                        line_of(blocks[j]) > last);
        }
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
        free(others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_shares_no_line_with_what_lies_beside_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
