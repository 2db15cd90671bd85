/* Preloaded, it makes each fsync and fdatasync take DISK_DELAY_MICROSECONDS longer: a slow disk, for a measurement. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static int late(const char *name, int file) {
    const char *told = getenv("DISK_DELAY_MICROSECONDS");
    long delay = told ? atol(told) : 0;
    struct timespec wait = {delay / 1000000, delay % 1000000 * 1000};
    nanosleep(&wait, NULL);
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}

int fsync(int file) { return late("fsync", file); }
int fdatasync(int file) { return late("fdatasync", file); }
