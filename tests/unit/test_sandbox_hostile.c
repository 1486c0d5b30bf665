// SPDX-License-Identifier: MIT
/* What the child asks for, honestly or not, and the surroundings in which all of it has to hold. */
#include "symbols/base/clock.h"
#include "symbols/base/fence.h"
#include "symbols/base/sandbox.h"
#include "tests/support/proc.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* An opener that counts its calls in its context; "no" is refused. */
static int open_null(void *context, unsigned place, const char *path)
{
    ++*(int *)context;
    if (place == 3 && strcmp(path, "no") == 0) {
        errno = ENOTDIR;
        return -1;
    }
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static struct sandbox_job job_of(sandbox_work *work, void *context, size_t result_size, int *calls)
{
    return (struct sandbox_job){
        .what = "a test's file",
        .work = work,
        .context = context,
        .open = calls ? open_null : NULL,
        .open_context = calls,
        .cpu_seconds = 5,
        .wall_milliseconds = 60000,
        .memory_bytes = 64 << 20,
        .result_size = result_size,
    };
}

static size_t count_descriptors(void)
{
    DIR *list = opendir("/proc/self/fd");
    size_t count = 0;

    cr_assert_not_null(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

static bool answer_42(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)err;
    *(int *)result = 42;
    return true;
}

static void expect_42(void)
{
    struct sandbox_job job = job_of(answer_42, NULL, sizeof(int), NULL);
    struct error err = {0};
    int result = 0;

    cr_assert(sandbox_run(&job, &result, &err), "%s", err.text);
    cr_expect_eq(result, 42);
}

/* ---- Asking for files. ---- */

/* Asks as often as its context says, and leaves the errno of the first refusal. */
static bool ask_often(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    int *refusal = result;
    char byte;

    for (int i = 0; i < *(int *)context; i++) {
        int fd = sandbox_ask(sandbox, 3, i % 3 ? "yes" : "no");
        if (fd < 0 && i % 3)
            return error_errno(err, ERROR_TARGET, "refused at %d", i);
        if (fd < 0 && i == 0)
            *refusal = errno;
        if (fd >= 0 && (i % 3 == 0 || read(fd, &byte, 1) != 0 || close(fd) != 0))
            return error_set(err, ERROR_TARGET, "given something else at %d", i);
    }
    return true;
}

Test(sandbox_ask, gives_what_the_opener_opens)
{
    int asks = 1000, calls = 0, refusal = 0;
    struct sandbox_job job = job_of(ask_often, &asks, sizeof(int), &calls);
    struct error err = {0};
    size_t before = count_descriptors();

    cr_assert(sandbox_run(&job, &refusal, &err), "%s", err.text);
    cr_expect_eq(calls, 1000);
    cr_expect_eq(refusal, ENOTDIR);
    cr_expect_eq(count_descriptors(), before);
}

Test(sandbox_ask, ends_who_asks_too_often)
{
    int asks = SANDBOX_REQUESTS_MAX, calls = 0, refusal = 0;
    struct sandbox_job job = job_of(ask_often, &asks, sizeof(int), &calls);
    struct error err = {0};

    cr_expect(sandbox_run(&job, &refusal, &err), "%s", err.text);
    asks++;
    cr_assert_not(sandbox_run(&job, &refusal, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect_not_null(strstr(err.text, "asked for what no reader asks for"), "%s", err.text);
    cr_expect_eq(calls, 2 * SANDBOX_REQUESTS_MAX);
}

/* Three refusals: a path of PATH_MAX bytes, one of a byte less, and where there is no opener. */
static bool ask_for_long_paths(struct sandbox *sandbox, void *context, void *result,
                               struct error *err)
{
    char *path = malloc(PATH_MAX + 1);
    int *errors = result;

    (void)context;
    if (!path)
        return error_memory(err);
    memset(path, 'x', PATH_MAX);
    for (int i = 0; i < 2; i++) {
        path[PATH_MAX - i] = '\0';
        int fd = sandbox_ask(sandbox, 3, path);
        errors[i] = fd < 0 ? errno : 0;
    }
    free(path);
    return true;
}

Test(sandbox_ask, refuses_long_paths_and_what_nobody_opens)
{
    int errors[2], calls = 0;
    struct sandbox_job job = job_of(ask_for_long_paths, NULL, sizeof(errors), &calls);
    struct error err = {0};

    cr_assert(sandbox_run(&job, errors, &err), "%s", err.text);
    cr_expect_eq(calls, 1);
    cr_expect_eq(errors[0], ENAMETOOLONG);
    cr_expect_eq(errors[1], 0);
    job.open = NULL;
    cr_assert(sandbox_run(&job, errors, &err), "%s", err.text);
    cr_expect_eq(errors[1], EACCES);
}

/* Its own table of descriptors has room for 64. */
static bool keep_all(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)context;
    for (int i = 0; i < 100; i++) {
        if (sandbox_ask(sandbox, 3, "yes") < 0) {
            *(int *)result = errno;
            return i > 50 || error_set(err, ERROR_TARGET, "only %d", i);
        }
    }
    return true;
}

Test(sandbox_ask, bounds_what_is_open)
{
    int error = 0, calls = 0;
    struct sandbox_job job = job_of(keep_all, NULL, sizeof(error), &calls);
    struct error err = {0};

    cr_assert(sandbox_run(&job, &error, &err), "%s", err.text);
    cr_expect_eq(error, EMFILE);
}

/* ---- Requests that are none. ---- */

struct garbage {
    const char *name;
    size_t size; /* of each packet */
    char filler; /* after the place; no NUL at its end unless it is one */
    unsigned count;
};

static const struct garbage garbage[] = {
    {"nothing", 0, 'x', 1},
    {"half a place", 2, '\0', 1},
    {"a place alone", 4, '\0', 1},
    {"no NUL", 10, 'x', 1},
    {"no NUL, of the largest size", 4 + PATH_MAX, 'x', 1},
    {"a NUL too many", 10, '\0', 1},
    {"too long", 4 + PATH_MAX + 1, '\0', 1},
    {"too long, and no NUL", 4 + PATH_MAX + 1, 'x', 1},
    {"much too long", 60000, 'x', 1},
    {"more than anybody answers", 5, '\0', 10000},
};

/* The child can find the socket; nothing else of what it has is one. */
static int find_socket(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return fd;
    }
    return -1;
}

static bool send_garbage(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    const struct garbage *wanted = context;
    char *packet = malloc(wanted->size + 1), answer;
    int socket = find_socket();

    (void)sandbox;
    (void)result;
    if (!packet)
        return error_memory(err);
    memset(packet, wanted->filler, wanted->size);
    for (unsigned i = 0; i < wanted->count; i++) {
        if (send(socket, packet, wanted->size, MSG_NOSIGNAL) < 0)
            break;
    }
    free(packet);
    /* It would wait for an answer. */
    while (read(socket, &answer, 1) > 0)
        ;
    return true;
}

Test(sandbox_hostile, ends_who_sends_garbage)
{
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct garbage this = garbage[i];
        int calls = 0;
        struct sandbox_job job = job_of(send_garbage, &this, 0, &calls);
        struct error err = {0};
        double start = clock_milliseconds();
        cr_expect_not(sandbox_run(&job, NULL, &err), "%s", this.name);
        cr_expect_eq(err.kind, ERROR_PYTHON, "%s", this.name);
        cr_expect_lt(clock_milliseconds() - start, 20000, "%s", this.name);
        cr_expect(this.count > 1 ? calls <= SANDBOX_REQUESTS_MAX : calls == 0, "%s", this.name);
        cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "%s", this.name);
    }
}

/* Its own end of the socket is gone, and it goes on. */
static bool hang_up(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)result;
    (void)err;
    close(find_socket());
    for (volatile uint64_t i = 0; i < UINT64_MAX; i++)
        ;
    return true;
}

Test(sandbox_hostile, ends_who_hangs_up)
{
    struct sandbox_job job = job_of(hang_up, NULL, 0, NULL);
    struct error err = {0};
    double start = clock_milliseconds();

    cr_assert_not(sandbox_run(&job, NULL, &err));
    cr_expect_lt(clock_milliseconds() - start, 4000);
    cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* ---- Ourselves, and what is around us. ---- */

static bool wait_for_byte(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    const int *ends = context;
    char byte;

    /* Waiting for an answer in its opener, the parent knows that the child runs. */
    (void)result;
    (void)sandbox_ask(sandbox, (unsigned)getpid(), "");
    return read(ends[0], &byte, 1) == 1 || error_set(err, ERROR_SYSTEM, "woken");
}

/* Tells the child's process id to who reads the pipe. */
static int tell_process(void *context, unsigned place, const char *path)
{
    (void)path;
    (void)!write(*(int *)context, &place, sizeof(place));
    errno = EACCES;
    return -1;
}

Test(sandbox_hostile, ends_with_its_parent)
{
    int wait[2], tell[2], status;
    unsigned child = 0;

    cr_assert_eq(pipe2(wait, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(tell, O_CLOEXEC), 0);
    pid_t parent = fork();
    cr_assert_geq(parent, 0);
    if (parent == 0) {
        struct sandbox_job job = job_of(wait_for_byte, wait, 0, NULL);
        struct error err;
        job.open = tell_process;
        job.open_context = &tell[1];
        job.files = &wait[0];
        job.file_count = 1;
        _exit(sandbox_run(&job, NULL, &err));
    }
    /* Orphans are ours to see end. */
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    cr_assert_eq(read(tell[0], &child, sizeof(child)), sizeof(child));
    cr_assert_eq(kill(parent, SIGKILL), 0);
    cr_assert_eq(waitpid(parent, &status, 0), parent);
    cr_expect(process_reaches((pid_t)child, "ZX?"));
    cr_assert_eq(waitpid((pid_t)child, &status, WNOHANG), (pid_t)child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(sandbox_hostile, holds_where_sigchld_is_ignored)
{
    struct sandbox_job job = job_of(hang_up, NULL, 0, NULL);
    struct error err = {0};

    signal(SIGCHLD, SIG_IGN);
    expect_42();
    cr_expect_not(sandbox_run(&job, NULL, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect_not_null(strstr(err.text, "ended early"), "%s", err.text);
}

static void note_signal(int signal)
{
    (void)signal;
}

static bool think(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    int calls = 100;

    (void)context;
    for (double end = clock_milliseconds() + 200; clock_milliseconds() < end;)
        ;
    return ask_often(sandbox, &calls, result, err);
}

/* A signal each millisecond, without SA_RESTART. */
Test(sandbox_hostile, holds_where_signals_interrupt)
{
    struct sigaction action = {.sa_handler = note_signal};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
    int calls = 0, refusal = 0;
    struct sandbox_job job = job_of(think, NULL, sizeof(int), &calls);
    struct error err = {0};

    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    bool done = sandbox_run(&job, &refusal, &err);
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cr_expect(done, "%s", err.text);
    cr_expect_eq(calls, 100);
}

/* The allocator of the C library itself, which holds next to a fork. AddressSanitizer's, which
 * takes its place otherwise, does not. */
void *__libc_malloc(size_t size);
void __libc_free(void *block);

static void *allocate_for_ever(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        char *volatile block = __libc_malloc(1000);
        __libc_free(block);
    }
    return NULL;
}

static bool allocate(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    char *volatile block = __libc_malloc(100000);

    __libc_free(block);
    return answer_42(sandbox, context, result, err);
}

Test(sandbox_hostile, holds_next_to_threads)
{
    atomic_bool stop = false;
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, allocate_for_ever, &stop), 0);
    for (int i = 0; i < 50; i++) {
        struct sandbox_job job = job_of(allocate, NULL, sizeof(int), NULL);
        struct error err = {0};
        int result = 0;
        cr_expect(sandbox_run(&job, &result, &err) && result == 42, "%s", err.text);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

/* From here on a system call fails in this process. */
static void forbid(int call, int error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    cr_assert_not_null(filter);
    cr_assert_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)error), call, 0), 0);
    cr_assert_eq(seccomp_load(filter), 0);
    seccomp_release(filter);
}

static bool count_open(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)err;
    for (int fd = 0; fd < 1024; fd++)
        *(int *)result += fcntl(fd, F_GETFD) >= 0;
    return true;
}

/* Under a filter, and under NoNewPrivs, that somebody else has set. */
Test(sandbox_hostile, holds_without_close_range)
{
    struct sandbox_job job = job_of(count_open, NULL, sizeof(int), NULL);
    struct error err = {0};
    int result = 0, kept = open("/dev/null", O_RDONLY | O_CLOEXEC);

    forbid(SCMP_SYS(close_range), ENOSYS);
    for (int fd = 100; fd < 1000; fd += 100)
        cr_assert_eq(dup2(kept, fd), fd);
    job.files = &kept;
    job.file_count = 1;
    cr_assert(sandbox_run(&job, &result, &err), "%s", err.text);
    cr_expect_eq(result, 5, "0, 1, 2, the given one and the socket");
}

/* All that can be used to load a filter. */
static void forbid_filters(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp is_it = {0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0};

    cr_assert_not_null(filter);
    cr_assert_eq(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(prctl), 1, &is_it),
                 0);
    cr_assert_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(seccomp), 0), 0);
    cr_assert_eq(seccomp_load(filter), 0);
    seccomp_release(filter);
}

Test(sandbox_hostile, reads_nothing_as_root_without_seccomp)
{
    struct sandbox_job job = job_of(answer_42, NULL, sizeof(int), NULL);
    struct error err = {0};
    int result = 0;

    if (geteuid() != 0)
        cr_skip("only for root");
    forbid_filters();
    cr_expect_not(sandbox_run(&job, &result, &err));
    cr_expect_eq(err.kind, ERROR_SYSTEM);
    cr_expect_not_null(strstr(err.text, "seccomp"), "%s", err.text);
}

Test(sandbox_hostile, goes_on_without_seccomp_and_privileges)
{
    if (geteuid() == 0)
        cr_assert_eq(setresuid(1234, 1234, 1234), 0);
    forbid_filters();
    expect_42();
}

/* 0, 1 and 2 are free: the socket takes two of them. */
Test(sandbox_hostile, holds_where_the_standard_streams_are_closed)
{
    int asks = 5, calls = 0, refusal = 0, streams[3];
    struct sandbox_job job = job_of(ask_often, &asks, sizeof(int), &calls);
    struct error err = {0};

    for (int fd = 0; fd < 3; fd++)
        cr_assert_geq(streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10), 0);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    bool done = sandbox_run(&job, &refusal, &err);
    for (int fd = 0; fd < 3; fd++)
        dup2(streams[fd], fd);
    cr_expect(done && calls == 5, "%s", err.text);
}
