/* nbase.h - what libconvlstm and libmtcnn share: status codes and error texts, the host's allocator
 * and log, the instruction sets, random numbers, pixel buffers, and the reading and writing of
 * .npy, .npz and .safetensors.
 *
 * Threads  No hidden mutable state: functions may be called from any number of threads at once. An
 *          object that is not const belongs to one thread at a time.
 * Sizes    Numbers of elements, unless the name says bytes.
 * Hosts    Little-endian, with IEEE 754 floats. */
#ifndef NBASE_H
#define NBASE_H

#include <stddef.h>
#include <stdint.h>

/* Around the declarations of a header: its functions, and no others, are what a shared library
 * exports (the objects are compiled with everything else hidden). */
#if (defined(__GNUC__) || defined(__clang__)) && defined(__ELF__)
#define NBASE_API_BEGIN _Pragma("GCC visibility push(default)")
#define NBASE_API_END _Pragma("GCC visibility pop")
#else
#define NBASE_API_BEGIN
#define NBASE_API_END
#endif

#ifdef __cplusplus
extern "C" {
#endif
NBASE_API_BEGIN

/* ---------------------------------------------------------------------------------------------- */
/* Version                                                                                        */
/* ---------------------------------------------------------------------------------------------- */

#define NBASE_VERSION_MAJOR 0
#define NBASE_VERSION_MINOR 1
#define NBASE_VERSION_PATCH 0
#define NBASE_VERSION_STRING "0.1.0"

/* The version that the library was built as, e.g. "0.1.0". Static storage. */
const char *nbase_version(void);

/* ---------------------------------------------------------------------------------------------- */
/* Status and errors                                                                              */
/* ---------------------------------------------------------------------------------------------- */

/* The result of every call that can fail. The values are part of the ABI and never change
 * meaning. */
typedef enum nbase_status {
    NBASE_OK = 0,
    NBASE_ERR_ARG = -1,         /* an argument is not valid: null, zero, out of range */
    NBASE_ERR_NOMEM = -2,       /* the allocator returned null */
    NBASE_ERR_IO = -3,          /* the operating system refused to read or write a file */
    NBASE_ERR_FORMAT = -4,      /* a file is malformed, truncated or inconsistent */
    NBASE_ERR_UNSUPPORTED = -5, /* well-formed, but of a kind that this version does not know */
    NBASE_ERR_SHAPE = -6,       /* shapes of tensors do not fit together */
    NBASE_ERR_LIMIT = -7,       /* a size is beyond a documented limit, or overflows */
    NBASE_ERR_NO_VALID_FRAMES =
        -8,                   /* all frames of a sequence are masked: nothing to predict from */
    NBASE_ERR_CANCELLED = -9, /* a callback asked to stop */
    NBASE_ERR_NUMERIC = -10   /* a value is not finite */
} nbase_status;

/* "OK", "ARG", ..., "NUMERIC": stable, for machines. "UNKNOWN" for other values. Static storage. */
const char *nbase_status_name(nbase_status status);

/* Detail of a failure. A function with a parameter `nbase_error *err` accepts null, and writes to
 * it only when it fails. */
typedef struct nbase_error {
    nbase_status status;

    /* One line of English that names the file, tensor or value and what was expected. */
    char text[400];
} nbase_error;

/* ---------------------------------------------------------------------------------------------- */
/* What the host supplies                                                                         */
/* ---------------------------------------------------------------------------------------------- */

/* Memory for everything that a library allocates. Both functions may be called from several threads
 * at once. Neither is called inside a training step, an inference call or a detection after the
 * first of the same size. */
typedef struct nbase_allocator {
    /* At least `bytes` bytes aligned to `align` (a power of two, at most 4096), or null. */
    void *(*alloc)(void *ctx, size_t bytes, size_t align);

    /* Takes back what alloc returned. Never called with null. */
    void (*release)(void *ctx, void *ptr);

    void *ctx;
} nbase_allocator;

typedef enum nbase_log_level {
    NBASE_LOG_ERROR = 0,
    NBASE_LOG_WARN = 1,
    NBASE_LOG_INFO = 2,
    NBASE_LOG_DEBUG = 3
} nbase_log_level;

/* Receives one line without a newline, on the thread that called the library. */
typedef void (*nbase_log_fn)(void *ctx, nbase_log_level level, const char *line);

/* Zero-initialise for the defaults: aligned malloc, and no log. Copied by the callee. */
typedef struct nbase_env {
    nbase_allocator allocator;
    nbase_log_fn log;
    void *log_ctx;
} nbase_env;

/* ---------------------------------------------------------------------------------------------- */
/* Instruction sets                                                                               */
/* ---------------------------------------------------------------------------------------------- */

/* Families of kernels. The best one that the processor has is chosen at the first use. The
 * environment variable NBASE_MAX_ISA=ref|avx2|avx512 (on ARM ref|neon) limits the choice; any of
 * them leaves out AMX, which goes beyond avx512 and is for bfloat16 only. */
typedef enum nbase_isa {
    NBASE_ISA_REF = 0, /* plain C, always there */
    NBASE_ISA_NEON = 1,
    NBASE_ISA_AVX2 = 2,
    NBASE_ISA_AVX512 = 3,
    NBASE_ISA_WASM = 4
} nbase_isa;

/* The family that this process uses. */
nbase_isa nbase_isa_active(void);

/* "ref", "neon", "avx2", "avx512"; "unknown" for other values. Static storage. */
const char *nbase_isa_name(nbase_isa isa);

/* Number of processors that this process may use, at least 1: those that it may run on, or what its
 * control group's cpu.max comes to if that is less. A num_threads option of 0 stands for it. */
int nbase_cpu_count(void);

/* The most bytes of memory that this process can ever have: what the machine has, its control
 * group's memory.max or RLIMIT_AS, whichever is least. What is free at the moment does not count. A
 * session or a training step that is sure to need more fails with NBASE_ERR_LIMIT. */
size_t nbase_memory_limit(void);

/* ---------------------------------------------------------------------------------------------- */
/* Random numbers                                                                                 */
/* ---------------------------------------------------------------------------------------------- */

/* PCG-XSH-RR 64/32 (O'Neill 2014): the same sequence for the same seed and stream on every
 * platform. The struct is the whole state; copy it to repeat a sequence. */
typedef struct nbase_rng {
    uint64_t state, inc;
} nbase_rng;

/* Starts a sequence. `stream` selects one of 2^63 independent ones for a seed. */
void nbase_rng_seed(nbase_rng *rng, uint64_t seed, uint64_t stream);

/* 32 random bits. */
uint32_t nbase_rng_u32(nbase_rng *rng);

/* Uniform whole number in 0..n-1 without bias; 0 for n <= 1. */
uint32_t nbase_rng_below(nbase_rng *rng, uint32_t n);

/* Uniform in [0, 1), with 53 bits. */
double nbase_rng_uniform(nbase_rng *rng);

/* Standard normal (polar Box-Muller, which throws its second value away). */
double nbase_rng_normal(nbase_rng *rng);

/* ---------------------------------------------------------------------------------------------- */
/* Pixels                                                                                         */
/* ---------------------------------------------------------------------------------------------- */

typedef enum nbase_pixel_format {
    NBASE_RGB8 = 0,  /* 3 bytes per pixel, red first */
    NBASE_BGR8 = 1,  /* 3 bytes, blue first */
    NBASE_RGBA8 = 2, /* 4 bytes; the fourth is ignored */
    NBASE_BGRA8 = 3, /* 4 bytes; the fourth is ignored */
    NBASE_GRAY8 = 4  /* 1 byte */
} nbase_pixel_format;

/* A borrowed picture. Row y starts at data + y * stride; row 0 is the top. */
typedef struct nbase_image {
    const uint8_t *data;
    size_t width, height; /* pixels */
    size_t stride;        /* bytes from row to row, at least those of a row of pixels */
    nbase_pixel_format format;
} nbase_image;

/* ---------------------------------------------------------------------------------------------- */
/* Arrays and archives                                                                            */
/* ---------------------------------------------------------------------------------------------- */

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

/* Bytes of an element: 1, 2, 4 or 8; 0 for an unknown type. */
size_t nbase_dtype_size(nbase_dtype dtype);

/* NumPy's name: "float32", "uint8", "bool", ...; "unknown" for other values. Static storage. */
const char *nbase_dtype_name(nbase_dtype dtype);

/* Most axes of an array, and bytes of its name with the terminator. */
#define NBASE_MAX_DIMS 8
#define NBASE_MAX_NAME 256

/* A named array, row-major (last axis fastest). */
typedef struct nbase_array {
    const char *name;
    nbase_dtype dtype;
    int ndim;                     /* 0 for a scalar, at most NBASE_MAX_DIMS */
    size_t shape[NBASE_MAX_DIMS]; /* the first ndim count */
    size_t count;                 /* product of the shape; 1 for a scalar */
    void *data;                   /* count * nbase_dtype_size(dtype) bytes, aligned to 64 */
} nbase_array;

/* Named arrays and text metadata, in the order of the file: what a .safetensors or .npz holds. It
 * owns its arrays, names and texts. */
typedef struct nbase_archive nbase_archive;

/* Creates an empty archive. `env` may be null. The caller frees *out with nbase_archive_free. */
nbase_status nbase_archive_create(const nbase_env *env, nbase_archive **out);

/* Frees the archive with everything in it. Null is allowed. */
void nbase_archive_free(nbase_archive *a);

/* Number of arrays. */
size_t nbase_archive_count(const nbase_archive *a);

/* Array i, or null if there are fewer. Valid until the archive is freed. */
const nbase_array *nbase_archive_at(const nbase_archive *a, size_t i);

/* The array of exactly this name, or null. Valid until the archive is freed. */
const nbase_array *nbase_archive_find(const nbase_archive *a, const char *name);

/* Appends an array.
 *
 * name   UTF-8, not empty, not yet in use, shorter than NBASE_MAX_NAME bytes
 * shape  `ndim` sizes, at most NBASE_MAX_DIMS; may be null for a scalar (ndim 0)
 * data   copied; null fills the array with zeros
 * *out   the new array, to be filled through its data; valid until the archive is freed. `out` may
 *        be null
 *
 * NBASE_ERR_ARG for a name or type that is not valid, NBASE_ERR_LIMIT for too many axes, too long a
 * name, or a size that overflows. On failure nothing is added. */
nbase_status nbase_archive_add(nbase_archive *a, const char *name, nbase_dtype dtype, int ndim,
                               const size_t *shape, const void *data, nbase_array **out);

/* The metadata text of a key, or null. Valid until that key is set again or the archive is freed.
 * Metadata are the __metadata__ of .safetensors; .npz files have none. */
const char *nbase_archive_meta(const nbase_archive *a, const char *key);

/* Sets or replaces the text of a key. Copies both; both must be UTF-8, else NBASE_ERR_ARG. */
nbase_status nbase_archive_set_meta(nbase_archive *a, const char *key, const char *value);

/* Number of metadata entries. */
size_t nbase_archive_meta_count(const nbase_archive *a);

/* Key and text of metadata entry i; either pointer may be null. 0 if there are fewer entries,
 * else 1. */
int nbase_archive_meta_at(const nbase_archive *a, size_t i, const char **key, const char **value);

/* ---------------------------------------------------------------------------------------------- */
/* Reading                                                                                        */
/* ---------------------------------------------------------------------------------------------- */

/* What deflated data in one file may unpack to: so many bytes in any case, and so many times the
 * length of the file where that is more. */
#define NBASE_MAX_UNPACKED ((uint64_t)256 << 20)
#define NBASE_MAX_UNPACKED_RATIO 64

/* Reads a whole file of arrays. Its content decides what it is, not its name:
 *
 *   .npy          one array, named "arr_0"
 *   .npz          arrays named as the entries, without ".npy"
 *   .safetensors  tensors and metadata
 *
 * Arrays in Fortran order or big-endian are converted to row-major, little-endian. Bytes of a bool
 * are 0 or 1.
 *
 * *out  the archive; the caller frees it with nbase_archive_free. Null on failure
 * err   detail of a failure; may be null
 *
 * The readers are strict:
 *
 *   NBASE_ERR_IO           no such file, no permission, not a regular file
 *   NBASE_ERR_FORMAT       truncated, trailing bytes, overlaps, holes, a name twice, a CRC that
 *                          does not match, anything malformed
 *   NBASE_ERR_UNSUPPORTED  a type that nbase_dtype does not have, an array of objects (a pickle: it
 *                          can run code), a structured array, an encrypted or oddly packed zip, a
 *                          zip that holds anything but arrays
 *   NBASE_ERR_LIMIT        more than NBASE_MAX_DIMS axes, a name of NBASE_MAX_NAME bytes or more, a
 *                          size that overflows, a header or directory of more than 64 MiB,
 *                          deflated entries that would unpack to too much
 *
 * A size that a file merely claims never costs more memory than a file of that length could hold.
 * Deflated entries may unpack to NBASE_MAX_UNPACKED bytes in all, or to NBASE_MAX_UNPACKED_RATIO
 * times the length of the file where that is more. */
nbase_status nbase_archive_read(const nbase_env *env, const char *path, nbase_archive **out,
                                nbase_error *err);

/* The same from memory. The bytes are copied; `what` stands for the path in messages. */
nbase_status nbase_archive_parse(const nbase_env *env, const void *bytes, size_t size,
                                 const char *what, nbase_archive **out, nbase_error *err);

/* Reads any zip from memory: each entry becomes an array of uint8 (n) under its whole name; folders
 * are skipped. Limits and errors are those of nbase_archive_read. */
nbase_status nbase_archive_parse_zip(const nbase_env *env, const void *bytes, size_t size,
                                     const char *what, nbase_archive **out, nbase_error *err);

/* ---------------------------------------------------------------------------------------------- */
/* Writing                                                                                        */
/* ---------------------------------------------------------------------------------------------- */

/* The functions that write to `path` do so through a temporary file beside it, which is synced and
 * renamed: a reader sees the old file or the whole new one. On failure (disk full, no permission)
 * the old file stays and no temporary is left. A path that exists and is not a regular file is
 * refused with NBASE_ERR_IO. The same content in the same order gives the same bytes. */

/* Writes arrays and metadata as .safetensors. */
nbase_status nbase_archive_write_safetensors(const nbase_archive *a, const char *path,
                                             nbase_error *err);

/* Writes the arrays as an .npz that NumPy reads.
 *
 * level  of deflate: 0 (stored, not deflated) to 9 (smallest)
 *
 * NBASE_ERR_UNSUPPORTED for an array of NBASE_BF16, for which NumPy has no type. */
nbase_status nbase_archive_write_npz(const nbase_archive *a, const char *path, int level,
                                     nbase_error *err);

/* The bytes that nbase_archive_write_npz would write, for a destination that is not a file.
 *
 * *bytes  belong to the archive, until the next such call or nbase_archive_free. Null on failure
 * *size   their number */
nbase_status nbase_archive_pack_npz(nbase_archive *a, int level, const void **bytes, size_t *size,
                                    nbase_error *err);

/* Writes a zip with an entry per array: its bytes alone, whatever its type, under its name. */
nbase_status nbase_archive_write_zip(const nbase_archive *a, const char *path, int level,
                                     nbase_error *err);

/* Writes one array as .npy. NBASE_ERR_UNSUPPORTED for NBASE_BF16. */
nbase_status nbase_array_write_npy(const nbase_array *array, const char *path, nbase_error *err);

NBASE_API_END
#ifdef __cplusplus
}
#endif
#endif
