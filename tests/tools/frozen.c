/* frozen: a file system that stops answering, for scripts; it speaks the kernel's FUSE itself.
 *
 *   frozen can           exit 0 where such a file system can be mounted, 77 where not
 *   frozen FOLDER        mounts an empty one over FOLDER, says "mounted", and answers
 *
 * Whoever stops it (SIGSTOP) has a disk that hangs, and with SIGCONT one that works again. When
 * it is killed all that hangs fails, as does what comes later. It has one folder, and its files
 * are in memory; the kernel keeps none of what is in them, but for a "...-shm", which SQLite
 * maps. To be run in a mount namespace of its own (unshare -m), which takes the mount
 * along when it ends. Knows nothing of the server's code. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOT_PERMITTED = 77, FILES_MAX = 1024, REQUEST_SIZE = 1 << 18, WRITE_MAX = 1 << 17 };

/* A file that lost its name stays for those who have it open. */
struct file {
    char *name; /* NULL: it has none */
    char *at;
    size_t len;
    mode_t mode;
};

static struct file files[FILES_MAX];
static size_t n_files;
static int device;

struct request {
    struct fuse_in_header head;
    union {
        struct fuse_init_in init;
        struct fuse_setattr_in setattr;
        struct fuse_create_in create;
        struct fuse_read_in read;
        struct fuse_write_in write;
        struct fuse_rename_in rename;
        struct fuse_rename2_in rename2;
        char text[REQUEST_SIZE];
    };
};

static int fail(const char *what)
{
    perror(what);
    return 1;
}

/* ---- answers ----------------------------------------------------------- */

static void answer(const struct request *request, int error, const void *body, size_t size)
{
    struct fuse_out_header head = { (uint32_t)(sizeof head + size), -error,
                                    request->head.unique };
    struct iovec parts[] = { { &head, sizeof head }, { (void *)(uintptr_t)body, size } };

    (void)!writev(device, parts, size > 0 ? 2 : 1); /* who asked may be gone */
}

static void refuse(const struct request *request, int error)
{
    answer(request, error, NULL, 0);
}

/* ---- files ------------------------------------------------------------- */

/* Node 1 is the folder. */
static struct file *file_of(uint64_t node)
{
    return node >= 2 && node - 2 < n_files ? &files[node - 2] : NULL;
}

static uint64_t node_of(const struct file *file)
{
    return (uint64_t)(file - files) + 2;
}

static struct file *find(const char *name)
{
    for (size_t i = 0; i < n_files; i++)
        if (files[i].name != NULL && strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

static struct fuse_attr attributes(const struct file *file)
{
    return (struct fuse_attr){
        .ino = file != NULL ? node_of(file) : FUSE_ROOT_ID,
        .size = file != NULL ? file->len : 0,
        .blocks = file != NULL ? (file->len + 511) / 512 : 0,
        .mode = file != NULL ? S_IFREG | file->mode : S_IFDIR | 0700,
        .nlink = 1,
        .uid = getuid(),
        .gid = getgid(),
        .blksize = 4096,
    };
}

static bool resize(struct file *file, size_t len)
{
    char *grown = realloc(file->at, len + 1);

    if (grown == NULL)
        return false;
    if (len > file->len)
        memset(grown + file->len, 0, len - file->len);
    file->at = grown;
    file->len = len;
    return true;
}

static uint32_t open_flags(const struct file *file)
{
    const char *end = file != NULL && file->name != NULL ? strrchr(file->name, '-') : NULL;

    return file == NULL || (end != NULL && strcmp(end, "-shm") == 0) ? 0 : FOPEN_DIRECT_IO;
}

/* ---- what is asked ----------------------------------------------------- */

static void begin(const struct request *request)
{
    struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
                                 .minor = FUSE_KERNEL_MINOR_VERSION,
                                 .max_readahead = request->init.max_readahead,
                                 .max_background = 16,
                                 .congestion_threshold = 12,
                                 .max_write = WRITE_MAX,
                                 .time_gran = 1 };

    answer(request, 0, &out, sizeof out);
}

static void tell_attributes(const struct request *request)
{
    struct fuse_attr_out out = { .attr = attributes(file_of(request->head.nodeid)) };

    answer(request, 0, &out, sizeof out);
}

static void look_up(const struct request *request)
{
    const struct file *file = find(request->text);
    struct fuse_entry_out out = { .nodeid = file != NULL ? node_of(file) : 0,
                                  .attr = attributes(file) };

    if (file == NULL)
        refuse(request, ENOENT);
    else
        answer(request, 0, &out, sizeof out);
}

static void create(const struct request *request)
{
    struct {
        struct fuse_entry_out entry;
        struct fuse_open_out open;
    } out = { 0 };

    if (n_files == FILES_MAX) {
        refuse(request, ENOSPC);
        return;
    }
    files[n_files] =
        (struct file){ .name = strdup(request->text + sizeof request->create),
                       .mode = request->create.mode & 07777 & ~request->create.umask };
    out.entry.nodeid = node_of(&files[n_files]);
    out.open.open_flags = open_flags(&files[n_files]);
    out.entry.attr = attributes(&files[n_files++]);
    answer(request, 0, &out, sizeof out);
}

static void set_attributes(const struct request *request)
{
    struct file *file = file_of(request->head.nodeid);

    if (file != NULL && (request->setattr.valid & FATTR_MODE) != 0)
        file->mode = request->setattr.mode & 07777;
    if (file != NULL && (request->setattr.valid & FATTR_SIZE) != 0 &&
        !resize(file, request->setattr.size))
        refuse(request, ENOSPC);
    else
        tell_attributes(request);
}

static void read_file(const struct request *request)
{
    const struct file *file = file_of(request->head.nodeid);
    size_t at = request->read.offset, len = request->read.size;

    if (file == NULL)
        refuse(request, EISDIR);
    else if (at >= file->len)
        answer(request, 0, NULL, 0);
    else
        answer(request, 0, file->at + at, len < file->len - at ? len : file->len - at);
}

static void write_file(const struct request *request)
{
    struct file *file = file_of(request->head.nodeid);
    size_t end = request->write.offset + request->write.size;
    struct fuse_write_out out = { .size = request->write.size };

    if (file == NULL || (end > file->len && !resize(file, end))) {
        refuse(request, ENOSPC);
        return;
    }
    memcpy(file->at + request->write.offset, request->text + sizeof request->write, out.size);
    answer(request, 0, &out, sizeof out);
}

static void drop_name(struct file *file)
{
    free(file->name);
    file->name = NULL;
}

static void remove_file(const struct request *request)
{
    struct file *file = find(request->text);

    if (file != NULL)
        drop_name(file);
    refuse(request, file != NULL ? 0 : ENOENT);
}

/* Both names stand behind each other. */
static void rename_file(const struct request *request, size_t head)
{
    const char *from = request->text + head, *to = from + strlen(from) + 1;
    struct file *file = find(from), *other = find(to);

    if (file == NULL) {
        refuse(request, ENOENT);
        return;
    }
    if (other != NULL && other != file)
        drop_name(other);
    free(file->name);
    file->name = strdup(to);
    refuse(request, 0);
}

static void list(const struct request *request)
{
    char out[16 << 10];
    size_t len = 0;

    for (size_t i = request->read.offset; i < n_files; i++) {
        size_t name = files[i].name != NULL ? strlen(files[i].name) : 0;
        struct fuse_dirent entry = { i + 2, i + 1, (uint32_t)name, S_IFREG >> 12 };
        size_t size = FUSE_DIRENT_SIZE(&entry);

        if (name == 0)
            continue;
        if (len + size > sizeof out || len + size > request->read.size)
            break;
        memset(out + len, 0, size);
        memcpy(out + len, &entry, FUSE_NAME_OFFSET);
        memcpy(out + len + FUSE_NAME_OFFSET, files[i].name, name);
        len += size;
    }
    answer(request, 0, out, len);
}

static void tell_room(const struct request *request)
{
    struct fuse_statfs_out out = { { .blocks = 1 << 20,
                                     .bfree = 1 << 20,
                                     .bavail = 1 << 20,
                                     .bsize = 4096,
                                     .frsize = 4096,
                                     .namelen = 255 } };

    answer(request, 0, &out, sizeof out);
}

static void open_it(const struct request *request)
{
    struct fuse_open_out out = { .open_flags = open_flags(file_of(request->head.nodeid)) };

    answer(request, 0, &out, sizeof out);
}

static void see_to(const struct request *request)
{
    switch (request->head.opcode) {
    case FUSE_INIT:
        begin(request);
        break;
    case FUSE_LOOKUP:
        look_up(request);
        break;
    case FUSE_GETATTR:
        tell_attributes(request);
        break;
    case FUSE_SETATTR:
        set_attributes(request);
        break;
    case FUSE_CREATE:
        create(request);
        break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
        open_it(request);
        break;
    case FUSE_READ:
        read_file(request);
        break;
    case FUSE_WRITE:
        write_file(request);
        break;
    case FUSE_UNLINK:
        remove_file(request);
        break;
    case FUSE_RENAME:
        rename_file(request, sizeof request->rename);
        break;
    case FUSE_RENAME2:
        rename_file(request, sizeof request->rename2);
        break;
    case FUSE_READDIR:
        list(request);
        break;
    case FUSE_STATFS:
        tell_room(request);
        break;
    case FUSE_FLUSH: /* each close asks */
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
        refuse(request, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break; /* nobody waits for an answer */
    default:   /* a flush as well, so that a close waits for nobody */
        refuse(request, ENOSYS);
    }
}

/* ---- the outside ------------------------------------------------------- */

static bool mount_over(const char *folder)
{
    char options[128];

    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return false;
    snprintf(options, sizeof options, "fd=%d,rootmode=40700,user_id=%u,group_id=%u", device,
             getuid(), getgid());
    return mount("frozen", folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

/* Ends when it is unmounted. */
static int serve(void)
{
    static struct request request;

    for (;;) {
        ssize_t n = read(device, &request, sizeof request);

        if (n >= (ssize_t)sizeof request.head)
            see_to(&request);
        else if (n < 0 && errno == ENODEV)
            return 0;
        else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
            return fail("/dev/fuse");
    }
}

/* In a folder of its own, which is gone afterwards. */
static int can(void)
{
    char folder[] = "/tmp/frozen.XXXXXX";
    bool mounted = mkdtemp(folder) != NULL && mount_over(folder);

    if (mounted)
        (void)umount2(folder, MNT_DETACH);
    (void)rmdir(folder);
    return mounted ? 0 : NOT_PERMITTED;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: frozen can|FOLDER\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "can") == 0)
        return can();
    if (!mount_over(argv[1]))
        return fail("mount");
    puts("mounted");
    fflush(stdout);
    return serve();
}
