// SPDX-License-Identifier: MIT
#include "symbols/base/sandbox.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"
#include "symbols/base/fence.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
    SLOWNESS = FENCE_SANITIZED ? 8 : 1,
    STATUS_UNKNOWN = -1,
};

/* What the child leaves in memory that both processes see; until it has ended, anything may change
 * at any time. */
struct outcome {
    _Atomic uint32_t state;
    struct error error;
    alignas(max_align_t) unsigned char result[];
};

enum state { UNFINISHED, DONE, FAILED };

/* A packet has the path's NUL as its last byte. */
struct request {
    uint32_t place;
    char path[PATH_MAX];
};

struct reply {
    int32_t error; /* 0: a descriptor comes with it */
};

/* Room for one descriptor. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct sandbox {
    int socket;
};

static unsigned cpu_seconds(const struct sandbox_job *job)
{
    return job->cpu_seconds * SLOWNESS;
}

static double wall_milliseconds(const struct sandbox_job *job)
{
    return job->wall_milliseconds ? (double)job->wall_milliseconds * SLOWNESS
                                  : 1e4 * cpu_seconds(job);
}

static int take_descriptor(struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd;

    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        errno = EMFILE; /* it came, and found no room */
        return -1;
    }
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int sandbox_ask(struct sandbox *sandbox, unsigned place, const char *path)
{
    struct request request = {.place = place};
    struct reply reply;
    union control control;
    struct iovec part = {&reply, sizeof(reply)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    size_t length = strlen(path);
    ssize_t size;

    if (length >= sizeof(request.path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(request.path, path, length + 1);
    length += offsetof(struct request, path) + 1;
    while ((size = send(sandbox->socket, &request, length, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    if (size < 0)
        return -1;
    do {
        message.msg_controllen = sizeof(control);
        size = recvmsg(sandbox->socket, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size == sizeof(reply) && reply.error == 0)
        return take_descriptor(&message);
    if (size >= 0)
        errno = size == sizeof(reply) ? reply.error : EPIPE;
    return -1;
}

enum ending { ENDED, OVERDUE, UNRULY };

/* A child that does not wait for its answers is not waited for either. */
static bool answer(const struct sandbox_job *job, int socket, const struct request *request)
{
    AUTO_CLOSE int fd = -1;
    struct reply reply = {.error = EACCES};
    union control control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {&reply, sizeof(reply)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (job->open) {
        errno = 0;
        fd = job->open(job->open_context, request->place, request->path);
        if (fd < 0 && errno)
            reply.error = errno;
    }
    if (fd >= 0) {
        reply.error = 0;
        control.header.cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
    }
    ssize_t sent;
    while ((sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent >= 0 || errno == EPIPE || errno == ECONNRESET;
}

static bool is_request(const struct request *request, size_t length)
{
    const size_t most = sizeof(request->path), head = offsetof(struct request, path);

    return length > head && length <= sizeof(*request) &&
           strnlen(request->path, most) == length - head - 1;
}

/* Until there is something to receive, or nothing will come any more. */
static bool await(int socket, double deadline)
{
    for (;;) {
        struct pollfd poll_for = {.fd = socket, .events = POLLIN};
        double left = deadline - clock_milliseconds();
        int timeout = left <= 0 ? 0 : left < 1e6 ? (int)left + 1 : 1000000;
        if (poll(&poll_for, 1, timeout) > 0)
            return true;
        if (left <= 0)
            return false;
    }
}

static enum ending serve(const struct sandbox_job *job, int socket)
{
    double deadline = clock_milliseconds() + wall_milliseconds(job);

    for (unsigned served = 0;; served++) {
        struct request request;
        ssize_t length;
        if (!await(socket, deadline))
            return OVERDUE;
        memset(&request, 0, sizeof(request));
        /* Only a child's end makes it fail. */
        length = recv(socket, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
        if (length <= 0)
            return ENDED;
        if (served >= SANDBOX_REQUESTS_MAX || !is_request(&request, (size_t)length) ||
            !answer(job, socket, &request))
            return UNRULY;
    }
}

/* What has ended by itself keeps its status; SIGKILL is for the others. */
static int end_child(pid_t pid)
{
    int status;
    pid_t reaped;

    kill(pid, SIGKILL);
    while ((reaped = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    return reaped == pid ? status : STATUS_UNKNOWN;
}

static bool take_error(const struct outcome *outcome, struct error *err)
{
    *err = outcome->error;
    err->text[sizeof(err->text) - 1] = '\0';
    if (err->kind <= ERROR_NONE || err->kind > ERROR_SYSTEM)
        err->kind = ERROR_PYTHON;
    return false;
}

static bool explain_end(const struct sandbox_job *job, int status, struct error *err)
{
    const char *what = job->what, *name;

    if (status == STATUS_UNKNOWN)
        return error_set(err, ERROR_PYTHON, "reading %s: the reader ended early", what);
    if (WIFEXITED(status))
        return error_set(err, ERROR_PYTHON, "reading %s: the reader ended with the status %d", what,
                         WEXITSTATUS(status));
    if (WTERMSIG(status) == SIGXCPU)
        return error_set(err, ERROR_PYTHON,
                         "reading %s took longer than %u s of processor time: the file is damaged, "
                         "hostile or very large",
                         what, cpu_seconds(job));
    name = sigabbrev_np(WTERMSIG(status));
    return error_set(err, ERROR_PYTHON, "reading %s: the reader was ended by signal SIG%s: %s",
                     what, name ? name : "?",
                     WTERMSIG(status) == SIGKILL   ? "somebody, or a lack of memory, killed it"
                     : WTERMSIG(status) == SIGTERM ? "somebody ended it"
                                                   : "the file is damaged or hostile");
}

static bool judge(const struct sandbox_job *job, const struct outcome *outcome, enum ending ending,
                  int status, struct error *err)
{
    if (FENCE_SANITIZED && status != STATUS_UNKNOWN && WIFEXITED(status) &&
        WEXITSTATUS(status) != 0)
        _exit(WEXITSTATUS(status));
    if (ending == UNRULY)
        return error_set(err, ERROR_PYTHON,
                         "reading %s: the reader asked for what no reader asks for: the file is "
                         "hostile",
                         job->what);
    if (outcome->state == DONE)
        return true;
    if (outcome->state == FAILED)
        return take_error(outcome, err);
    if (ending == OVERDUE)
        return error_set(err, ERROR_PYTHON, "reading %s took longer than %.1f s", job->what,
                         wall_milliseconds(job) / 1e3);
    return explain_end(job, status, err);
}

static void run_child(const struct sandbox_job *job, const struct fence *fence,
                      struct outcome *outcome)
{
    struct sandbox sandbox = {.socket = fence->socket};
    bool done = fence_raise(fence, &outcome->error) &&
                job->work(&sandbox, job->context, outcome->result, &outcome->error);

    outcome->state = done ? DONE : FAILED;
    _exit(0);
}

/* Signals wait meanwhile: none of our handlers runs in the child. */
static pid_t start_child(const struct sandbox_job *job, int socket, struct outcome *outcome)
{
    const struct fence fence = {
        .what = job->what,
        .master = getpid(),
        .socket = socket,
        .files = job->files,
        .file_count = job->file_count,
        .cpu_seconds = cpu_seconds(job),
        .memory_bytes = job->memory_bytes,
    };
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        run_child(job, &fence, outcome);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool run(const struct sandbox_job *job, struct outcome *outcome, struct error *err)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return error_errno(err, ERROR_SYSTEM, "cannot start the reader of %s", job->what);
    AUTO_CLOSE int ours = sockets[0];
    pid_t pid = start_child(job, sockets[1], outcome);
    if (pid < 0)
        error_errno(err, ERROR_SYSTEM, "cannot start the reader of %s", job->what);
    close(sockets[1]);
    if (pid < 0)
        return false;
    enum ending ending = serve(job, ours);
    return judge(job, outcome, ending, end_child(pid), err);
}

bool sandbox_run(const struct sandbox_job *job, void *result, struct error *err)
{
    size_t size;

    if (__builtin_add_overflow(sizeof(struct outcome), job->result_size, &size))
        return error_memory(err);
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return error_memory(err);
    const struct outcome *outcome = shared;
    bool done = run(job, shared, err);
    if (done && job->result_size)
        memcpy(result, outcome->result, job->result_size);
    munmap(shared, size);
    return done;
}
