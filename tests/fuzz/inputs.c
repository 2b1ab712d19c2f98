/* inputs FILE|FOLDER...: a fuzz target's main where there is no fuzzer. Each file, and each
 * file of a folder, is given to the target once, in memory of its very size. The name is said
 * before, so that the last one said is the one that did harm. HEELER_CPU is heeded. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "server/receive/code_paths.h"

/* The target's. Not each of them has something to do before the first input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static size_t inputs;

static void fail(const char *path)
{
    perror(path);
    exit(1);
}

static void run_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");

    if (data == NULL || file == NULL || fread(data, 1, size, file) != size)
        fail(path);
    fclose(file);
    puts(path);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, size);
    inputs++;
    free(data);
}

static void run_path(const char *path);

static void run_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);

    if (n < 0)
        fail(path);
    for (int i = 0; i < n; i++) {
        char inside[4096];

        snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_path(inside);
        free(entries[i]);
    }
    free(entries);
}

static void run_path(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        fail(path);
    if (S_ISDIR(status.st_mode))
        run_folder(path);
    else
        run_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
    code_paths_choose_or_exit();
    if (LLVMFuzzerInitialize != NULL)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%zu inputs\n", inputs);
    return 0;
}
