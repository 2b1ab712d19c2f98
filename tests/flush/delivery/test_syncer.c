#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flush/delivery/syncer.h"
#include "tests/support/temp_file.h"
#include "tests/support/undo.h"

/* A disk that does not answer until it is let go. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool disk_hangs;
static int syncs;

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    pthread_mutex_lock(&mutex);
    syncs++;
    pthread_cond_broadcast(&changed);
    while (disk_hangs)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return real(fd);
}

static void set_disk(bool hangs)
{
    pthread_mutex_lock(&mutex);
    disk_hangs = hangs;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void wait_syncs(int n)
{
    pthread_mutex_lock(&mutex);
    while (syncs < n)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

struct rig {
    char path[TEMP_PATH_SIZE];
    int folder_fd, before;
    struct syncer syncer;
};

/* Behind a test that failed. */
static void rig_undo(void *what)
{
    struct rig *rig = what;

    set_disk(false);
    syncer_stop(&rig->syncer);
    close(rig->folder_fd);
    temp_folder_remove(rig->path);
}

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){ .before = open_descriptors() };
    temp_folder_make(rig->path);
    rig->folder_fd = open(rig->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    syncs = 0;
    undo_later(rig_undo, rig);
}

static void rig_close(struct rig *rig)
{
    undo_forget(rig);
    rig_undo(rig);
    assert_int_equal(open_descriptors(), rig->before);
}

static void give(struct rig *rig, int n)
{
    for (int i = 0; i < n; i++)
        syncer_give(&rig->syncer,
                    openat(rig->folder_fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600),
                    rig->folder_fd);
}

static void every_file_is_synced_and_closed(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    assert_true(syncer_start(&rig.syncer));
    give(&rig, 20);
    wait_syncs(20);
    rig_close(&rig);
    assert_int_equal(syncs, 20);
}

static void nobody_waits_for_a_disk_that_hangs(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    set_disk(true);
    assert_true(syncer_start(&rig.syncer));
    give(&rig, 1);
    wait_syncs(1);
    give(&rig, SYNCER_FILES + 50); /* what is too many is only closed */
    assert_int_equal(rig.syncer.n, SYNCER_FILES);
    set_disk(false);
    rig_close(&rig);
}

static void without_a_thread_files_are_only_closed(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    give(&rig, 3);
    rig_close(&rig);
    assert_int_equal(syncs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_synced_and_closed),
        cmocka_unit_test(nobody_waits_for_a_disk_that_hangs),
        cmocka_unit_test(without_a_thread_files_are_only_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
