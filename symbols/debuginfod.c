// SPDX-License-Identifier: MIT
#include "symbols/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As <elfutils/debuginfod.h> declares them. */
struct library {
    void *handle;
    void *(*begin)(void);
    void (*end)(void *client);
    int (*find_debuginfo)(void *client, const unsigned char *build_id, int build_id_size,
                          char **path);
};

static bool load(struct library *library)
{
    /* Unloaded, it would leave behind what libcurl keeps for the whole process. */
    library->handle = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library->handle)
        return false;
    *(void **)&library->begin = dlsym(library->handle, "debuginfod_begin");
    *(void **)&library->end = dlsym(library->handle, "debuginfod_end");
    *(void **)&library->find_debuginfo = dlsym(library->handle, "debuginfod_find_debuginfo");
    return library->begin && library->end && library->find_debuginfo;
}

static int fetch(const struct library *library, const struct build_id *build_id, char *path,
                 size_t size, struct error *err)
{
    char hex[BUILD_ID_TEXT];
    char *found = NULL;
    void *client = library->begin();

    if (!client) {
        error_memory(err);
        return -1;
    }
    int fd = library->find_debuginfo(client, build_id->bytes, (int)build_id->size, &found);
    library->end(client);
    if (fd < 0)
        error_set(err, ERROR_PYTHON,
                  "no server of DEBUGINFOD_URLS (%.300s) gave the debug information of build-id "
                  "%s: %s",
                  getenv("DEBUGINFOD_URLS"), build_id_print(hex, build_id),
                  fd == -ENOENT ? "they do not have it" : strerror(-fd));
    else
        snprintf(path, size, "%s", found ? found : "debuginfod's cache");
    free(found);
    return fd;
}

int debuginfod_fetch(const struct build_id *build_id, char *path, size_t size, struct error *err)
{
    const char *servers = getenv("DEBUGINFOD_URLS");
    struct library library = {0};
    int fd = -1;

    if (!servers || !servers[strspn(servers, " ")])
        error_set(
            err, ERROR_PYTHON,
            "--debuginfod: the environment names no server: set DEBUGINFOD_URLS to those of your "
            "distribution (and with sudo: sudo --preserve-env=DEBUGINFOD_URLS ...)");
    else if (!build_id->size)
        error_set(err, ERROR_PYTHON, "--debuginfod: the interpreter has no build-id to ask for");
    else if (!load(&library))
        error_set(err, ERROR_PYTHON,
                  "--debuginfod: libdebuginfod.so.1 is missing (Debian: install libdebuginfod1)");
    else
        fd = fetch(&library, build_id, path, size, err);
    if (library.handle)
        dlclose(library.handle);
    return fd;
}
