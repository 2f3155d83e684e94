/* status.c - the names of status codes and types, the sizes of types, the version. */
#include "nbase.h"

const char *nbase_version(void) { return NBASE_VERSION_STRING; }

const char *nbase_status_name(nbase_status status)
{
    switch (status) {
    case NBASE_OK: return "OK";
    case NBASE_ERR_ARG: return "ARG";
    case NBASE_ERR_NOMEM: return "NOMEM";
    case NBASE_ERR_IO: return "IO";
    case NBASE_ERR_FORMAT: return "FORMAT";
    case NBASE_ERR_UNSUPPORTED: return "UNSUPPORTED";
    case NBASE_ERR_SHAPE: return "SHAPE";
    case NBASE_ERR_LIMIT: return "LIMIT";
    case NBASE_ERR_NO_VALID_FRAMES: return "NO_VALID_FRAMES";
    case NBASE_ERR_CANCELLED: return "CANCELLED";
    case NBASE_ERR_NUMERIC: return "NUMERIC";
    }
    return "UNKNOWN";
}

size_t nbase_dtype_size(nbase_dtype dtype)
{
    switch (dtype) {
    case NBASE_U8:
    case NBASE_I8:
    case NBASE_BOOL: return 1;
    case NBASE_F16:
    case NBASE_BF16:
    case NBASE_U16:
    case NBASE_I16: return 2;
    case NBASE_F32:
    case NBASE_U32:
    case NBASE_I32: return 4;
    case NBASE_F64:
    case NBASE_U64:
    case NBASE_I64: return 8;
    }
    return 0;
}

const char *nbase_dtype_name(nbase_dtype dtype)
{
    switch (dtype) {
    case NBASE_F32: return "float32";
    case NBASE_F64: return "float64";
    case NBASE_F16: return "float16";
    case NBASE_BF16: return "bfloat16";
    case NBASE_U8: return "uint8";
    case NBASE_I8: return "int8";
    case NBASE_U16: return "uint16";
    case NBASE_I16: return "int16";
    case NBASE_U32: return "uint32";
    case NBASE_I32: return "int32";
    case NBASE_U64: return "uint64";
    case NBASE_I64: return "int64";
    case NBASE_BOOL: return "bool";
    }
    return "unknown";
}
