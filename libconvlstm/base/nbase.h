/* nbase.h - what libconvlstm and libmtcnn share: status codes, error detail, allocator and log
 * callbacks, version, instruction-set report, random numbers, pixel buffers, and the reading and
 * writing of .npy, .npz and .safetensors.
 *
 * Thread rule for everything here: no hidden mutable state. Functions may be called from any number
 * of threads at once; an object that is not const belongs to one thread at a time.
 *
 * Sizes are counts of elements unless the name says bytes. Hosts are little-endian with IEEE 754
 * floats. */
#ifndef NBASE_H
#define NBASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NBASE_VERSION_MAJOR 0
#define NBASE_VERSION_MINOR 1
#define NBASE_VERSION_PATCH 0
#define NBASE_VERSION_STRING "0.1.0"

/* The version the library was built as, e.g. "0.1.0". Static storage. */
const char *nbase_version(void);

/* ---- status and errors ---- */

/* Result of every call that can fail. The values are part of the ABI and never change meaning. */
typedef enum nbase_status {
    NBASE_OK = 0,
    NBASE_ERR_ARG = -1,    /* an argument is invalid (null, zero, out of range) */
    NBASE_ERR_NOMEM = -2,  /* the allocator returned null */
    NBASE_ERR_IO = -3,     /* the operating system refused to read or write a file */
    NBASE_ERR_FORMAT = -4, /* a file is malformed, truncated or inconsistent */
    /* well-formed, but a feature, name or type that this version does not know */
    NBASE_ERR_UNSUPPORTED = -5,
    NBASE_ERR_SHAPE = -6, /* tensor shapes do not fit together */
    NBASE_ERR_LIMIT = -7, /* a size is beyond a documented limit or overflows */
    /* a sequence whose frames are all masked: there is nothing to judge */
    NBASE_ERR_NO_VALID_FRAMES = -8,
    NBASE_ERR_CANCELLED = -9, /* a callback asked to stop */
    NBASE_ERR_NUMERIC = -10   /* a result is not finite */
} nbase_status;

/* "OK", "ARG", ..., "NO_VALID_FRAMES": stable, for machines. "UNKNOWN" for other values. Static
 * storage. */
const char *nbase_status_name(nbase_status status);

/* Detail of a failure: the status and one line of English naming the file, tensor or value and what
 * was expected. Functions with an `nbase_error *err` parameter accept null; they write it only on
 * failure. */
typedef struct nbase_error {
    nbase_status status;
    char text[400];
} nbase_error;

/* ---- host callbacks ---- */

/* Memory for everything a library allocates. `alloc` returns at least `bytes` bytes aligned to
 * `align` (a power of two, at most 4096) or null; `release` takes what `alloc` gave and is never
 * called with null. Both may be called from several threads at once. No call is made inside a train
 * step, an inference call or a detection after the first of the same size. */
typedef struct nbase_allocator {
    void *(*alloc)(void *ctx, size_t bytes, size_t align);
    void (*release)(void *ctx, void *ptr);
    void *ctx;
} nbase_allocator;

typedef enum nbase_log_level {
    NBASE_LOG_ERROR = 0,
    NBASE_LOG_WARN = 1,
    NBASE_LOG_INFO = 2,
    NBASE_LOG_DEBUG = 3
} nbase_log_level;

/* Receives one line without a newline. May be called from the thread that called the library
 * only. */
typedef void (*nbase_log_fn)(void *ctx, nbase_log_level level, const char *line);

/* What a host supplies. Zero-initialise for the defaults: aligned malloc, and no log. Copied by the
 * callee. */
typedef struct nbase_env {
    nbase_allocator allocator;
    nbase_log_fn log;
    void *log_ctx;
} nbase_env;

/* ---- instruction sets ---- */

/* Kernel families. NBASE_ISA_REF is plain C and always there. The best one that the processor has
 * is chosen at the first use; the environment variable NBASE_MAX_ISA=ref|avx2|avx512 (or ref|neon
 * on ARM) caps it. */
typedef enum nbase_isa {
    NBASE_ISA_REF = 0,
    NBASE_ISA_NEON = 1,
    NBASE_ISA_AVX2 = 2,
    NBASE_ISA_AVX512 = 3
} nbase_isa;

/* The family in use by this process. */
nbase_isa nbase_isa_active(void);
/* "ref", "neon", "avx2", "avx512". Static storage. */
const char *nbase_isa_name(nbase_isa isa);
/* Number of processors this process may run on, at least 1: the default for every num_threads
 * option that is 0. */
int nbase_cpu_count(void);

/* ---- random numbers ---- */

/* PCG-XSH-RR 64/32 (O'Neill 2014): the same sequence for the same seed and stream on every
 * platform. */
typedef struct nbase_rng {
    uint64_t state, inc;
} nbase_rng;

/* `stream` selects one of 2^63 independent sequences for a seed. */
void nbase_rng_seed(nbase_rng *rng, uint64_t seed, uint64_t stream);
uint32_t nbase_rng_u32(nbase_rng *rng);
/* Uniform integer in 0..n-1 without bias; 0 for n <= 1. */
uint32_t nbase_rng_below(nbase_rng *rng, uint32_t n);
/* Uniform in [0, 1) with 53 bits. */
double nbase_rng_uniform(nbase_rng *rng);
/* Standard normal (polar Box-Muller; keeps no spare value, so the state is all of it). */
double nbase_rng_normal(nbase_rng *rng);

/* ---- pixels ---- */

typedef enum nbase_pixel_format {
    NBASE_RGB8 = 0,
    NBASE_BGR8 = 1,
    NBASE_RGBA8 = 2,
    NBASE_BGRA8 = 3,
    NBASE_GRAY8 = 4
} nbase_pixel_format;

/* A borrowed picture: row y starts at data + y*stride bytes; the first row is the top. */
typedef struct nbase_image {
    const uint8_t *data;
    size_t width, height;
    size_t stride; /* bytes from row to row, at least width * bytes a pixel */
    nbase_pixel_format format;
} nbase_image;

/* ---- arrays and archives ---- */

typedef enum nbase_dtype {
    NBASE_F32 = 0,
    NBASE_F64 = 1,
    NBASE_F16 = 2,
    NBASE_BF16 = 3,
    NBASE_U8 = 4,
    NBASE_I8 = 5,
    NBASE_U16 = 6,
    NBASE_I16 = 7,
    NBASE_U32 = 8,
    NBASE_I32 = 9,
    NBASE_U64 = 10,
    NBASE_I64 = 11,
    NBASE_BOOL = 12
} nbase_dtype;

/* Bytes an element: 1, 2, 4 or 8; 0 for an unknown value. */
size_t nbase_dtype_size(nbase_dtype dtype);
/* "float32", "uint8", "bool", ... Static storage. */
const char *nbase_dtype_name(nbase_dtype dtype);

#define NBASE_MAX_DIMS 8
#define NBASE_MAX_NAME 256

/* One named tensor, row-major (last axis fastest). In an archive it is owned by the archive. */
typedef struct nbase_array {
    const char *name;
    nbase_dtype dtype;
    int ndim; /* 0 for a scalar, at most NBASE_MAX_DIMS */
    size_t shape[NBASE_MAX_DIMS];
    size_t count; /* product of shape; 1 for a scalar */
    void *data;   /* count * nbase_dtype_size(dtype) bytes, aligned to 64 */
} nbase_array;

/* Named tensors and text metadata, in file order: what a .safetensors or .npz file holds. */
typedef struct nbase_archive nbase_archive;

/* New and empty. *out is owned by the caller: nbase_archive_free. `env` may be null. */
nbase_status nbase_archive_create(const nbase_env *env, nbase_archive **out);
void nbase_archive_free(nbase_archive *a); /* null is allowed */

/* Reads a whole file; the kind (.npy, .npz, .safetensors) is told by its content, not its name. A
 * .npy gives one array named "arr_0", an .npz names without the ".npy" of its entries. Arrays
 * stored in Fortran order or big-endian are converted to row-major, little-endian. Bytes of a bool
 * are 0 or 1. Strict. NBASE_ERR_FORMAT: truncation, trailing bytes, overlaps, holes, duplicate
 * names, a CRC mismatch, anything malformed. NBASE_ERR_UNSUPPORTED: types other than nbase_dtype's,
 * object arrays (pickles: they can run code), structured arrays, encrypted or oddly packed zips,
 * zips that hold anything but arrays. NBASE_ERR_LIMIT: more than NBASE_MAX_DIMS axes, longer names
 * than NBASE_MAX_NAME - 1 bytes, sizes that overflow, headers and directories above 64 MiB.
 * NBASE_ERR_IO: no file, no permission, not a regular file. A size that a file merely claims never
 * costs more memory than a file of that length could hold (deflated: 1040 times its length). On
 * failure *out is null. */
nbase_status nbase_archive_read(const nbase_env *env, const char *path, nbase_archive **out,
                                nbase_error *err);
/* The same from memory; `what` names the source in messages. The bytes are copied. */
nbase_status nbase_archive_parse(const nbase_env *env, const void *bytes, size_t size,
                                 const char *what, nbase_archive **out, nbase_error *err);

size_t nbase_archive_count(const nbase_archive *a);
/* Array i, or null if out of range. */
const nbase_array *nbase_archive_at(const nbase_archive *a, size_t i);
/* By exact name, or null. */
const nbase_array *nbase_archive_find(const nbase_archive *a, const char *name);
/* Appends an array and copies `data` (null: zero-filled; write through the returned array). *out
 * (may be null) stays valid until the archive is freed. A name in use, empty or not UTF-8 is
 * NBASE_ERR_ARG; see nbase_archive_read for the limits. On failure nothing is added. */
nbase_status nbase_archive_add(nbase_archive *a, const char *name, nbase_dtype dtype, int ndim,
                               const size_t *shape, const void *data, nbase_array **out);

/* Metadata: safetensors' __metadata__. npz files carry none. Value by key, or null. Valid until
 * that key is set again or the archive is freed. */
const char *nbase_archive_meta(const nbase_archive *a, const char *key);
/* Sets or replaces. Copies both texts (UTF-8). */
nbase_status nbase_archive_set_meta(nbase_archive *a, const char *key, const char *value);
size_t nbase_archive_meta_count(const nbase_archive *a);
/* Entry i; false (0) if out of range. */
int nbase_archive_meta_at(const nbase_archive *a, size_t i, const char **key, const char **value);

/* Write to `path` through a temporary file beside it, synced and renamed: a reader sees the old
 * file or the whole new one, and on failure (disk full, no permission) the old file stays and no
 * temporary is left. A target that is no regular file is refused. The same content in the same
 * order gives the same bytes. */
nbase_status nbase_archive_write_safetensors(const nbase_archive *a, const char *path,
                                             nbase_error *err);
/* Deflated .npz that NumPy reads; `level` 0 (stored) to 9. BF16 is NBASE_ERR_UNSUPPORTED. */
nbase_status nbase_archive_write_npz(const nbase_archive *a, const char *path, int level,
                                     nbase_error *err);
/* The bytes that nbase_archive_write_npz would write, for a place that is no file. They belong to
 * the archive, until the next call or its end; on failure *bytes is null. */
nbase_status nbase_archive_pack_npz(nbase_archive *a, int level, const void **bytes, size_t *size,
                                    nbase_error *err);
/* Any zip, from memory: each entry as an array of uint8 (n) under its whole name, folders left out;
 * limits and errors as above. And the way back: the bytes of each array as an entry of its name,
 * whatever its type. */
nbase_status nbase_archive_parse_zip(const nbase_env *env, const void *bytes, size_t size,
                                     const char *what, nbase_archive **out, nbase_error *err);
nbase_status nbase_archive_write_zip(const nbase_archive *a, const char *path, int level,
                                     nbase_error *err);
/* One array as .npy. */
nbase_status nbase_array_write_npy(const nbase_array *array, const char *path, nbase_error *err);

#ifdef __cplusplus
}
#endif
#endif
