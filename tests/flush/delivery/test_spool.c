#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flush/delivery/spool.h"
#include "tests/support/each_file.h"
#include "tests/support/temp_file.h"

static const struct spool_limits plenty = { 1 << 20, 1.0 };
static const char *problem; /* of the last spool_open() */

static struct payload *payload_of(const char *text, int64_t created_s)
{
    size_t len = strlen(text);
    struct payload *payload = calloc(1, sizeof *payload + len);

    payload->route = ROUTE_SKETCHES;
    payload->compression = COMPRESSION_GZIP;
    payload->points = 7;
    payload->items = 3;
    payload->created_s = created_s;
    payload->raw_size = 1000;
    payload->size = len;
    memcpy(payload->bytes, text, len);
    return payload;
}

static uint64_t put(struct spool *spool, const char *text, int64_t created_s)
{
    struct payload *payload = payload_of(text, created_s);
    uint64_t number = spool_write(spool, payload, NULL);

    payload_free(payload);
    return number;
}

static struct spool_scan scan(struct spool *spool)
{
    struct spool_scan found;

    assert_true(spool_scan(spool, &found));
    return found;
}

static void what_was_written_is_read_back_by_another_process(void **state)
{
    char path[TEMP_PATH_SIZE], folder[128];
    struct spool spool;
    struct payload *read;
    struct stat stats;
    (void)state;

    temp_folder_make(path);
    snprintf(folder, sizeof folder, "%s/a/b", path);
    assert_true(spool_open(&spool, folder, plenty, &problem));
    assert_int_equal(stat(folder, &stats), 0);
    assert_int_equal(stats.st_mode & 0777, 0700);
    uint64_t number = put(&spool, "some bytes", 1700000020);

    assert_true(number != 0);
    assert_true(put(&spool, "older", 1600000000) != 0);
    spool_close(&spool);

    assert_true(spool_open(&spool, folder, plenty, &problem));
    struct spool_scan found = scan(&spool);

    assert_int_equal(found.n, 2);
    assert_int_equal(found.damaged + found.foreign, 0);
    assert_int_equal(found.files[0].created_s, 1600000000);
    assert_int_equal(found.files[1].points, 7);
    assert_int_equal(found.files[1].number, number);
    assert_int_equal(spool.bytes, 2 * spool_cost(10));
    assert_int_equal(spool_read(&spool, 1700000020, number, &read), SPOOL_READ);
    assert_int_equal(read->route, ROUTE_SKETCHES);
    assert_int_equal(read->compression, COMPRESSION_GZIP);
    assert_int_equal(read->points, 7);
    assert_int_equal(read->items, 3);
    assert_int_equal(read->raw_size, 1000);
    assert_int_equal(read->size, 10);
    assert_memory_equal(read->bytes, "some bytes", 10);
    payload_free(read);
    spool_remove(&spool, 1700000020, number, 10);
    assert_int_equal(spool_read(&spool, 1700000020, number, &read), SPOOL_MISSING);
    /* What will never open is not waited for: a socket. */
    snprintf(folder + strlen(folder), 64, "/000001700000020-%016llx.payload",
             (unsigned long long)number);
    assert_int_equal(mknod(folder, S_IFSOCK | 0600, 0), 0);
    assert_int_equal(spool_read(&spool, 1700000020, number, &read), SPOOL_MISSING);
    assert_int_equal(spool.bytes, spool_cost(5));
    free(found.files);
    spool_close(&spool);
    temp_folder_remove(path);
}

static void a_second_process_is_kept_out(void **state)
{
    char path[TEMP_PATH_SIZE];
    struct spool first, second;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&first, path, plenty, &problem));
    assert_false(spool_open(&second, path, plenty, &problem));
    assert_int_equal(errno, EWOULDBLOCK);
    spool_close(&first);
    assert_true(spool_open(&second, path, plenty, &problem));
    spool_close(&second);
    temp_folder_remove(path);
}

/* ---- damage ------------------------------------------------------------ */

struct file {
    char path[256];
    unsigned char bytes[4096];
    size_t size;
};

static void load_file(void *argument, const char *path)
{
    struct file *file = argument;
    FILE *from = fopen(path, "rb");

    snprintf(file->path, sizeof file->path, "%s", path);
    assert_non_null(from);
    file->size = fread(file->bytes, 1, sizeof file->bytes, from);
    fclose(from);
}

static void store_file(const struct file *file, size_t size)
{
    FILE *to = fopen(file->path, "wb");

    assert_non_null(to);
    fwrite(file->bytes, 1, size, to);
    fclose(to);
}

/* Is the file, as it is now, ever given out? */
static bool is_given_out(struct spool *spool, int64_t created_s, uint64_t number)
{
    struct payload *read;
    struct spool_scan found = scan(spool);
    bool given = found.n == 1 && spool_read(spool, created_s, number, &read) == SPOOL_READ;

    assert_int_equal(found.n + found.damaged, 1);
    if (given)
        payload_free(read);
    free(found.files);
    return given;
}

static void a_file_cut_anywhere_is_never_given_out(void **state)
{
    char path[TEMP_PATH_SIZE];
    struct spool spool;
    struct file file;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&spool, path, plenty, &problem));
    uint64_t number = put(&spool, "the bytes of a payload", 1700000020);

    assert_int_equal(each_file(path, ".payload", load_file, &file), 1);
    for (size_t size = 0; size < file.size; size++) {
        store_file(&file, size);
        assert_false(is_given_out(&spool, 1700000020, number));
    }
    store_file(&file, file.size);
    assert_true(is_given_out(&spool, 1700000020, number));
    spool_close(&spool);
    temp_folder_remove(path);
}

static void a_file_with_one_wrong_byte_is_never_given_out(void **state)
{
    char path[TEMP_PATH_SIZE];
    struct spool spool;
    struct file file;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&spool, path, plenty, &problem));
    uint64_t number = put(&spool, "the bytes of a payload", 1700000020);

    each_file(path, ".payload", load_file, &file);
    for (size_t at = 0; at < file.size; at++) {
        file.bytes[at] ^= (unsigned char)(1 + at % 255);
        store_file(&file, file.size);
        assert_false(is_given_out(&spool, 1700000020, number));
        file.bytes[at] ^= (unsigned char)(1 + at % 255);
    }
    spool_close(&spool);
    temp_folder_remove(path);
}

static void strange_files_are_left_alone_or_removed(void **state)
{
    static const struct {
        const char *name;
        bool stays;
        const char *why;
    } cases[] = {
        { "README", true, "not ours" },
        { "000001700000020-0000000000000001.payload", false, "random bytes" },
        { "000001700000020-0000000000000000.payload", true, "no such number is given" },
        { "1700000020-1.payload", true, "not written like ours" },
        { "000001700000020-0000000000000001.payload.bak", true, "another ending" },
        { "unfinished", false, "left by a process that was killed" },
    };
    char path[TEMP_PATH_SIZE], name[256];
    struct spool spool;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        temp_folder_make(path);
        snprintf(name, sizeof name, "%s/%s", path, cases[i].name);
        FILE *file = fopen(name, "wb");

        for (int k = 0; k < 100; k++)
            fputc(k * 7 % 256, file);
        fclose(file);
        assert_true(spool_open(&spool, path, plenty, &problem));
        assert_int_equal(scan(&spool).n, 0);
        if ((access(name, F_OK) == 0) != cases[i].stays)
            fail_msg("%s: %s", cases[i].name, cases[i].why);
        spool_close(&spool);
        temp_folder_remove(path);
    }
}

/* ---- what others may have made ----------------------------------------- */

static const char in_the_way[] = "000001700000020-0000000000000001.payload";

static void make_link(const char *name)
{
    assert_int_equal(symlink("/etc/passwd", name), 0);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(name, 0700), 0);
}

static void make_fifo(const char *name)
{
    assert_int_equal(mkfifo(name, 0600), 0);
}

static void make_socket(const char *name)
{
    assert_int_equal(mknod(name, S_IFSOCK | 0600, 0), 0);
}

static void make_writable(const char *name)
{
    FILE *file = fopen(name, "wb");

    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(name, 0622), 0);
}

/* No name in it is ever waited for, followed or removed. */
static void what_another_may_have_made_is_left_alone(void **state)
{
    static void (*const makes[])(const char *) = { make_link, make_folder, make_fifo,
                                                   make_socket, make_writable };
    char path[TEMP_PATH_SIZE], name[256];
    struct spool spool;
    struct payload *read;
    struct stat stats;
    (void)state;

    for (size_t i = 0; i < sizeof makes / sizeof makes[0]; i++) {
        temp_folder_make(path);
        snprintf(name, sizeof name, "%s/%s", path, in_the_way);
        makes[i](name);
        assert_true(spool_open(&spool, path, plenty, &problem));
        struct spool_scan found = scan(&spool);

        assert_int_equal(found.n + found.damaged, 0);
        assert_int_equal(found.foreign, 1);
        assert_int_equal(spool_read(&spool, 1700000020, 1, &read), SPOOL_MISSING);
        assert_int_equal(lstat(name, &stats), 0);
        spool_close(&spool);
        remove(name);
        temp_folder_remove(path);
    }
}

static void a_folder_of_others_is_refused_with_a_sentence(void **state)
{
    char path[TEMP_PATH_SIZE], name[256];
    struct spool spool;
    (void)state;

    temp_folder_make(path);
    assert_int_equal(chmod(path, 0770), 0);
    assert_false(spool_open(&spool, path, plenty, &problem));
    assert_non_null(strstr(problem, "others may write to it"));
    assert_int_equal(chmod(path, 0700), 0);
    if (geteuid() == 0) { /* nobody else may give a folder away */
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        assert_false(spool_open(&spool, path, plenty, &problem));
        assert_non_null(strstr(problem, "belongs to another user"));
        assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    }
    snprintf(name, sizeof name, "%s/unfinished", path);
    assert_int_equal(mkdir(name, 0700), 0);
    assert_false(spool_open(&spool, path, plenty, &problem));
    assert_string_equal(problem, "Is a directory");
    assert_int_equal(rmdir(name), 0);
    temp_folder_remove(path);
}

static void a_check_says_what_the_start_would_meet(void **state)
{
    static const struct {
        const char *path, *problem;
    } cases[] = {
        { "", "No such file or directory" },
        { "/dev/null", "Not a directory" },
        { "/dev/null/spool", "Not a directory" },
        { "/tmp/of/heelers/own/that/is/not/there", NULL },
        { "relative/and/not/there", NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool fine = spool_check(cases[i].path, &problem);

        assert_int_equal(fine, cases[i].problem == NULL);
        if (!fine)
            assert_string_equal(problem, cases[i].problem);
    }
}

/* ---- a disk that fails ------------------------------------------------- */

/* What the disk says to the next calls; 0: it works. */
static int pread_error, fstat_error, readdir_error;

ssize_t pread(int fd, void *into, size_t size, off_t at)
{
    ssize_t (*real)(int, void *, size_t, off_t) =
        (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");

    errno = pread_error;
    return pread_error != 0 ? -1 : real(fd, into, size, at);
}

int fstat(int fd, struct stat *out)
{
    int (*real)(int, struct stat *) = (int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat");

    errno = fstat_error;
    return fstat_error != 0 ? -1 : real(fd, out);
}

struct dirent *readdir(DIR *folder)
{
    struct dirent *(*real)(DIR *) = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");

    if (readdir_error == 0)
        return real(folder);
    errno = readdir_error;
    return NULL;
}

static void an_error_of_the_disk_is_no_damage(void **state)
{
    static const struct {
        int *call, error;
    } cases[] = { { &pread_error, EIO },
                  { &pread_error, ESTALE },
                  { &fstat_error, EIO },
                  { &fstat_error, ESTALE } };
    char path[TEMP_PATH_SIZE];
    struct spool spool;
    struct payload *read;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&spool, path, plenty, &problem));
    uint64_t number = put(&spool, "the bytes of a payload", 1700000020);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        *cases[i].call = cases[i].error;
        struct spool_scan found = scan(&spool);
        enum spool_read result = spool_read(&spool, 1700000020, number, &read);
        int error = errno;
        enum spool_read look = spool_look(&spool, &found.files[0]);

        *cases[i].call = 0;
        assert_int_equal(found.n, 1);
        assert_int_equal(found.files[0].size, 0);
        assert_int_equal(found.damaged + found.foreign, 0);
        assert_int_equal(result, SPOOL_LATER);
        assert_int_equal(error, cases[i].error);
        assert_int_equal(look, SPOOL_LATER);
        assert_int_equal(spool_look(&spool, &found.files[0]), SPOOL_READ);
        assert_int_equal(found.files[0].points, 7);
        assert_int_equal(spool.bytes, spool_cost(22));
        free(found.files);
        assert_true(is_given_out(&spool, 1700000020, number));
    }
    spool_close(&spool);
    temp_folder_remove(path);
}

static void a_folder_that_cannot_be_read_is_no_empty_one(void **state)
{
    char path[TEMP_PATH_SIZE];
    struct spool_scan found;
    struct spool spool;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&spool, path, plenty, &problem));
    put(&spool, "some bytes", 1700000020);
    readdir_error = EIO;
    bool scanned = spool_scan(&spool, &found);
    int error = errno;

    readdir_error = 0;
    assert_false(scanned);
    assert_int_equal(error, EIO);
    assert_null(found.files);
    spool_close(&spool);
    temp_folder_remove(path);
}

/* A header that is right in itself, of a payload that cannot be. */
static void more_points_than_the_bytes_can_hold_are_damage(void **state)
{
    char path[TEMP_PATH_SIZE];
    struct spool spool;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&spool, path, plenty, &problem));
    struct payload *payload = payload_of("some bytes", 1700000020);

    payload->raw_size = (size_t)1 << 27;
    payload->points = 4000000000;
    assert_true(spool_write(&spool, payload, NULL) != 0);
    payload->points = 7; /* more bytes than any packing of ours makes of ten */
    assert_true(spool_write(&spool, payload, NULL) != 0);
    payload_free(payload);
    struct spool_scan found = scan(&spool);

    assert_int_equal(found.n, 0);
    assert_int_equal(found.damaged, 2);
    spool_close(&spool);
    temp_folder_remove(path);
}

/* ---- bounds ------------------------------------------------------------ */

static void room_ends_with_the_bound_or_the_share_of_the_disk(void **state)
{
    char path[TEMP_PATH_SIZE];
    struct spool spool;
    (void)state;

    temp_folder_make(path);
    assert_true(spool_open(&spool, path, (struct spool_limits){ 3 * 4096, 1.0 }, &problem));
    assert_int_equal(spool_room(&spool), 3 * 4096);
    assert_true(put(&spool, "x", 1) != 0);
    assert_int_equal(spool_room(&spool), 2 * 4096);
    spool_close(&spool);
    assert_true(spool_open(&spool, path, (struct spool_limits){ 3 * 4096, 0.0 }, &problem));
    assert_true(spool_room(&spool) <= 0);
    spool_close(&spool);
    temp_folder_remove(path);
}

static void a_disk_that_takes_no_more_leaves_no_file_behind(void **state)
{
    static char large[20000];
    char path[TEMP_PATH_SIZE];
    struct spool spool;
    struct rlimit before, small;
    (void)state;

    memset(large, 'x', sizeof large - 1);
    temp_folder_make(path);
    assert_true(spool_open(&spool, path, plenty, &problem));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){ 10000, before.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    uint64_t number = put(&spool, large, 1);
    int error = errno;

    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(number, 0);
    assert_int_equal(error, EFBIG);
    assert_int_equal(spool.bytes, 0);
    assert_int_equal(each_file(path, ".payload", NULL, NULL), 0);
    assert_int_equal(each_file(path, "unfinished", NULL, NULL), 0);
    assert_true(put(&spool, large, 1) != 0);
    spool_close(&spool);
    temp_folder_remove(path);
}

static void a_folder_that_cannot_be_is_refused(void **state)
{
    static const char *const folders[] = { "", "/proc/heeler", "/dev/null/spool" };
    struct spool spool;
    (void)state;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        errno = 0;
        if (spool_open(&spool, folders[i], plenty, &problem) || errno == 0)
            fail_msg("%s", folders[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back_by_another_process),
        cmocka_unit_test(a_second_process_is_kept_out),
        cmocka_unit_test(a_file_cut_anywhere_is_never_given_out),
        cmocka_unit_test(a_file_with_one_wrong_byte_is_never_given_out),
        cmocka_unit_test(strange_files_are_left_alone_or_removed),
        cmocka_unit_test(what_another_may_have_made_is_left_alone),
        cmocka_unit_test(a_folder_of_others_is_refused_with_a_sentence),
        cmocka_unit_test(a_check_says_what_the_start_would_meet),
        cmocka_unit_test(an_error_of_the_disk_is_no_damage),
        cmocka_unit_test(a_folder_that_cannot_be_read_is_no_empty_one),
        cmocka_unit_test(more_points_than_the_bytes_can_hold_are_damage),
        cmocka_unit_test(room_ends_with_the_bound_or_the_share_of_the_disk),
        cmocka_unit_test(a_disk_that_takes_no_more_leaves_no_file_behind),
        cmocka_unit_test(a_folder_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
