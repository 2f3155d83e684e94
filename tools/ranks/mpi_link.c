/* mpi_link.c - ranks_link.h over Open MPI. This file is not part of the tools: the Makefile builds
 * it into a module, skin-mpi.so, which ranks_module_posix.c loads when a launcher started the
 * process. It calls nothing of the tools or the libraries, since none of them is exported to it.
 *
 * Failures come back as statuses: MPI would otherwise end the process. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ranks_link.h"

#define EXPORTED __attribute__((visibility("default")))

extern const char skin_ranks_module_version[];
EXPORTED const char skin_ranks_module_version[] = NBASE_VERSION_STRING;
EXPORTED const ranks_link *skin_ranks_module_open(nbase_error *err);

/* MPI keeps one state per process, and so does this file. */
static MPI_Comm world;
static ranks_link opened;

_Static_assert(sizeof(MPI_Request) <= sizeof(uint64_t), "a request fits into its handle");

static bool fail(nbase_error *err, const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(code, text, &length)) snprintf(text, sizeof text, "error %d", code);
    err->status = NBASE_ERR_IO;
    snprintf(err->text, sizeof err->text, "%s: %.300s", what, text);
    return false;
}

static MPI_Request request_of(const link_request *request)
{
    MPI_Request own;
    memcpy(&own, &request->handle, sizeof own);
    return own;
}

static void keep(link_request *request, MPI_Request own, size_t size, bool receives)
{
    *request = (link_request){.size = size, .receives = receives};
    memcpy(&request->handle, &own, sizeof own);
}

static bool send_message(void *ctx, int to, int tag, const void *data, size_t size,
                         link_request *request, nbase_error *err)
{
    (void)ctx;
    MPI_Request own = MPI_REQUEST_NULL;
    int code = MPI_Isend(data, (int)size, MPI_BYTE, to, tag, world, &own);
    if (code) return fail(err, "a message cannot be sent", code);
    keep(request, own, size, false);
    return true;
}

static bool receive_message(void *ctx, int from, int tag, void *data, size_t size,
                            link_request *request, nbase_error *err)
{
    (void)ctx;
    MPI_Request own = MPI_REQUEST_NULL;
    int code = MPI_Irecv(data, (int)size, MPI_BYTE, from, tag, world, &own);
    if (code) return fail(err, "a message cannot be received", code);
    keep(request, own, size, true);
    return true;
}

static int test_request(void *ctx, link_request *request, nbase_error *err)
{
    (void)ctx;
    MPI_Request own = request_of(request);
    MPI_Status status;
    int done = 0, count = 0, code = MPI_Test(&own, &done, &status);
    if (code) {
        fail(err, request->receives ? "a message was not received" : "a message was not sent",
             code);
        return -1;
    }
    keep(request, own, request->size, request->receives);
    if (!done || !request->receives) return done != 0;
    code = MPI_Get_count(&status, MPI_BYTE, &count);
    if (!code && (size_t)count == request->size) return 1;
    err->status = NBASE_ERR_FORMAT;
    snprintf(err->text, sizeof err->text, "a message has %d bytes where %zu are due", count,
             request->size);
    return -1;
}

/* Open MPI cannot take back what is to be sent. It is waited for, about a second: a rank that is
 * still there takes it. */
static void cancel_request(void *ctx, link_request *request)
{
    (void)ctx;
    MPI_Request own = request_of(request);
    int done = 0;
    if (request->receives) {
        if (own != MPI_REQUEST_NULL && !MPI_Cancel(&own)) MPI_Wait(&own, MPI_STATUS_IGNORE);
        return;
    }
    for (int i = 0; i < 1000 && !MPI_Test(&own, &done, MPI_STATUS_IGNORE) && !done; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static int probe(void *ctx, int tag, int *from, size_t *size, nbase_error *err)
{
    (void)ctx;
    MPI_Status status;
    int there = 0, count = 0, code = MPI_Iprobe(MPI_ANY_SOURCE, tag, world, &there, &status);
    if (!code && there) code = MPI_Get_count(&status, MPI_BYTE, &count);
    if (code) {
        fail(err, "messages cannot be looked for", code);
        return -1;
    }
    if (!there) return 0;
    *from = status.MPI_SOURCE;
    *size = (size_t)count;
    return 1;
}

static void close_link(void *ctx)
{
    (void)ctx;
    MPI_Finalize();
}

static void abort_link(void *ctx, int status)
{
    (void)ctx;
    MPI_Abort(MPI_COMM_WORLD, status);
}

const ranks_link *skin_ranks_module_open(nbase_error *err)
{
    int provided = 0, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (!code) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    /* a space of our own for messages */
    if (!code) code = MPI_Comm_dup(MPI_COMM_WORLD, &world);
    if (!code) code = MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    opened = (ranks_link){.send = send_message,
                          .receive = receive_message,
                          .test = test_request,
                          .cancel = cancel_request,
                          .probe = probe,
                          .close = close_link,
                          .abort = abort_link};
    if (!code) code = MPI_Comm_rank(world, &opened.rank);
    if (!code) code = MPI_Comm_size(world, &opened.size);
    if (code) {
        fail(err, "MPI cannot be started", code);
        return NULL;
    }
    if (provided >= MPI_THREAD_SERIALIZED) return &opened;
    err->status = NBASE_ERR_UNSUPPORTED;
    snprintf(err->text, sizeof err->text,
             "this MPI was built without threads (MPI_THREAD_SERIALIZED)");
    return NULL;
}
