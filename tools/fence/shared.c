#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older kernels refuse it */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

enum { PAGE = 4096, LARGE = 2 << 20 };

/* Of a large page at least so much must be used. To clear it costs as much as 40 small pages. */
enum { WORTH = 256 << 10 };

/* The memory has whole large pages. Those that nobody meets do not exist. */
static size_t up(size_t bytes) { return (bytes + LARGE - 1) / LARGE * LARGE; }

int shared_create(size_t size)
{
    int fd = memfd_create("fenced", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, (off_t)up(size)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    if (fd >= 0) {
        int why = errno;
        close(fd);
        errno = why;
    }
    return -1;
}

uint8_t *shared_map(int fd, size_t size)
{
    /* Only what lies in memory as it lies in the file can have large pages, and the system does not
     * see to that: so more addresses are taken, and those around the right ones given back. */
    size_t all = up(size) + LARGE;
    uint8_t *around =
        mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (around == MAP_FAILED) return NULL;
    size_t before = up((uintptr_t)around) - (uintptr_t)around;
    uint8_t *memory =
        mmap(around + before, up(size), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    if (memory == MAP_FAILED) {
        munmap(around, all);
        return NULL;
    }
    if (before) munmap(around, before);
    munmap(memory + up(size), LARGE - before);
    return memory;
}

void shared_unmap(uint8_t *memory, size_t size) { munmap(memory, up(size)); }

/* Where the large pages end that so many bytes are worth. */
static size_t worth(size_t bytes)
{
    return bytes % LARGE < WORTH ? bytes / LARGE * LARGE : up(bytes);
}

void shared_get(uint8_t *memory, size_t had, size_t bytes)
{
    size_t begin = worth(had), end = worth(bytes);
    if (begin >= end) return;
    /* The system makes a large page of small ones only, so there must be one: reading gets it. */
    for (size_t at = begin; at < end; at += LARGE) (void)*(volatile uint8_t *)(memory + at);
    madvise(memory + begin, end - begin, MADV_COLLAPSE);
}

void shared_meet(uint8_t *memory, size_t begin, size_t end)
{
    size_t first = begin / PAGE * PAGE;
    madvise(memory + first, end - first, MADV_POPULATE_WRITE);
}
