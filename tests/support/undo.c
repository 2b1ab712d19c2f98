#include "tests/support/undo.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 64 };

static struct {
    undo_function *undo;
    void *what;
} begun[MOST]; /* oldest first */
static size_t n_begun;

/* A sanitizer may keep variables elsewhere: then nobody finds out here. */
static bool is_on_the_stack(const void *what)
{
    pthread_attr_t attributes;
    void *stack;
    size_t size;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return false;
    bool known = pthread_attr_getstack(&attributes, &stack, &size) == 0;
    pthread_attr_destroy(&attributes);
    return known && (uintptr_t)what >= (uintptr_t)stack &&
           (uintptr_t)what - (uintptr_t)stack < size;
}

void undo_later(undo_function *undo, void *what)
{
    if (is_on_the_stack(what))
        fail_msg("what a failed test leaves behind is static or on the heap, not on its stack");
    if (n_begun == MOST)
        fail_msg("more than %d things were begun at once", MOST);
    begun[n_begun].undo = undo;
    begun[n_begun++].what = what;
}

void undo_forget(const void *what)
{
    for (size_t i = n_begun; i > 0; i--)
        if (begun[i - 1].what == what) {
            memmove(&begun[i - 1], &begun[i], (n_begun - i) * sizeof begun[0]);
            n_begun--;
            return;
        }
}

void undo_forget_all(void)
{
    n_begun = 0;
}

int undo_all(void **state)
{
    (void)state;
    while (n_begun > 0) {
        n_begun--;
        begun[n_begun].undo(begun[n_begun].what);
    }
    return 0;
}
