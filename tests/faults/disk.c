/* A disk that forgets: notes every write that was not synced, so that a cut can take it back.

   Preloaded into a process. Of each file below DISK_UNDER, a file of DISK_NOTES holds, in order, what was
   written since its last sync: kind, offset, length, size before, the bytes that stood there, the new ones.
   A sync empties the notes and waits as long as the file `mode` there says; the machine itself need not sync.
   `mode` may also say that the disk is full or may only be read. The shared memory of SQLite is no file. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITTEN = 1, CUT_OFF = 2, MADE = 3 };

struct note {
    uint64_t kind, offset, length, size_before, old_length;
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...) \
    static result (*real_##name)(__VA_ARGS__); \
    if (!real_##name) real_##name = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int real_open_of(const char *path, int flags, mode_t mode) {
    REAL(int, open64, const char *, int, ...);
    return real_open64(path, flags, mode);
}

/* Fill in the path of the notes on a file; return whether it is one that is watched. */
static int notes_on(const char *path, char *notes, size_t room) {
    const char *under = getenv("DISK_UNDER"), *where = getenv("DISK_NOTES"), *name = strrchr(path, '/');
    if (!under || !where || !name || strncmp(path, under, strlen(under))) return 0;
    if (strstr(name, "-shm") || strstr(name, ".lock")) return 0;
    snprintf(notes, room, "%s%s.notes", where, name);
    return 1;
}

static int notes_on_open(int fd, char *notes, size_t room) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return notes_on(path, notes, room);
}

/* What the disk does now: "full", "readonly", "slow SECONDS" or nothing. */
static void mode_now(char *said, size_t room) {
    char path[4096];
    said[0] = 0;
    const char *where = getenv("DISK_NOTES");
    if (!where) return;
    snprintf(path, sizeof path, "%s/mode", where);
    int fd = real_open_of(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    ssize_t length = read(fd, said, room - 1);
    said[length > 0 ? length : 0] = 0;
    close(fd);
}

static int refusal(int grows) {
    char said[64];
    mode_now(said, sizeof said);
    if (!strncmp(said, "readonly", 8)) return EROFS;
    if (!strncmp(said, "full", 4) && grows) return ENOSPC;
    return 0;
}

static void put_down(const char *notes, struct note note, const void *old, const void *new) {
    int fd = real_open_of(notes, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    struct iovec parts[] = {
        {&note, sizeof note}, {(void *)old, note.old_length}, {(void *)new, new ? note.length : 0}};
    if (fd < 0 || writev(fd, parts, 3) < 0) abort();
    close(fd);
}

static void note_a_write(int fd, const char *notes, const void *bytes, size_t length, off64_t offset) {
    struct stat64 now;
    if (fstat64(fd, &now)) abort();
    size_t kept = now.st_size > offset ? (size_t)(now.st_size - offset) : 0;
    if (kept > length) kept = length;
    char *old = malloc(kept + 1);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int again = real_open_of(link, O_RDONLY | O_CLOEXEC, 0); /* it may be open for writing only */
    if (!old || again < 0 || (kept && pread64(again, old, kept, offset) != (ssize_t)kept)) abort();
    close(again);
    put_down(notes, (struct note){WRITTEN, offset, length, now.st_size, kept}, old, bytes);
    free(old);
}

static int grows(int fd, size_t length, off64_t offset) {
    struct stat64 now;
    return fstat64(fd, &now) || offset + (off64_t)length > now.st_size;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    char notes[4096];
    if (!notes_on_open(fd, notes, sizeof notes)) return real_pwrite64(fd, bytes, length, offset);
    int refused = refusal(grows(fd, length, offset));
    if (refused) return errno = refused, -1;
    pthread_mutex_lock(&one_at_a_time);
    note_a_write(fd, notes, bytes, length, offset);
    ssize_t written = real_pwrite64(fd, bytes, length, offset);
    pthread_mutex_unlock(&one_at_a_time);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char notes[4096];
    if (!notes_on_open(fd, notes, sizeof notes)) return real_write(fd, bytes, length);
    off64_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek64(fd, 0, SEEK_END) : lseek64(fd, 0, SEEK_CUR);
    int refused = refusal(grows(fd, length, at));
    if (refused) return errno = refused, -1;
    pthread_mutex_lock(&one_at_a_time);
    note_a_write(fd, notes, bytes, length, at);
    ssize_t written = real_write(fd, bytes, length);
    pthread_mutex_unlock(&one_at_a_time);
    return written;
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, ftruncate64, int, off64_t);
    char notes[4096];
    struct stat64 now;
    if (!notes_on_open(fd, notes, sizeof notes)) return real_ftruncate64(fd, size);
    int refused = refusal(0);
    if (refused) return errno = refused, -1;
    pthread_mutex_lock(&one_at_a_time);
    if (fstat64(fd, &now)) abort();
    size_t lost = now.st_size > size ? (size_t)(now.st_size - size) : 0;
    char *old = malloc(lost + 1);
    if (!old || (lost && pread64(fd, old, lost, size) != (ssize_t)lost)) abort();
    put_down(notes, (struct note){CUT_OFF, size, 0, now.st_size, lost}, old, NULL);
    free(old);
    int result = real_ftruncate64(fd, size);
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int opened(const char *path, int flags, mode_t mode) {
    char notes[4096];
    if (!(flags & O_CREAT) || !notes_on(path, notes, sizeof notes) || !access(path, F_OK))
        return real_open_of(path, flags, mode);
    int refused = refusal(1);
    if (refused) return errno = refused, -1;
    pthread_mutex_lock(&one_at_a_time);
    put_down(notes, (struct note){MADE, 0, 0, 0, 0}, NULL, NULL);
    int fd = real_open_of(path, flags, mode);
    pthread_mutex_unlock(&one_at_a_time);
    return fd;
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, mode);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    char notes[4096];
    if (!notes_on(path, notes, sizeof notes)) return real_unlink(path);
    pthread_mutex_lock(&one_at_a_time);
    int result = real_unlink(path);
    if (!result) real_unlink(notes);
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}

static int synced(int fd, int (*real)(int)) {
    char notes[4096], said[64];
    double seconds = 0;
    if (!notes_on_open(fd, notes, sizeof notes)) return real(fd);
    pthread_mutex_lock(&one_at_a_time);
    mode_now(said, sizeof said);
    if (sscanf(said, "slow %lf", &seconds) == 1) {
        struct timespec span = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
        nanosleep(&span, NULL);
    }
    truncate(notes, 0);
    pthread_mutex_unlock(&one_at_a_time);
    return 0;
}

int fsync(int fd) {
    REAL(int, fsync, int);
    return synced(fd, real_fsync);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    return synced(fd, real_fdatasync);
}
