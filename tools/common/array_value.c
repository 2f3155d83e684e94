#include "array_value.h"

#include <math.h>
#include <string.h>

/* IEEE 754 half precision. */
static double half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                       : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                                      : ldexp(mantissa, -24);
    return bits >> 15 ? -magnitude : magnitude;
}

static double bfloat_value(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

double array_value(const nbase_array *a, size_t i)
{
    switch (a->dtype) {
    case NBASE_F32: return (double)((const float *)a->data)[i];
    case NBASE_F64: return ((const double *)a->data)[i];
    case NBASE_F16: return half_value(((const uint16_t *)a->data)[i]);
    case NBASE_BF16: return bfloat_value(((const uint16_t *)a->data)[i]);
    case NBASE_U8:
    case NBASE_BOOL: return ((const uint8_t *)a->data)[i];
    case NBASE_I8: return ((const int8_t *)a->data)[i];
    case NBASE_U16: return ((const uint16_t *)a->data)[i];
    case NBASE_I16: return ((const int16_t *)a->data)[i];
    case NBASE_U32: return ((const uint32_t *)a->data)[i];
    case NBASE_I32: return ((const int32_t *)a->data)[i];
    case NBASE_U64: return (double)((const uint64_t *)a->data)[i];
    case NBASE_I64: return (double)((const int64_t *)a->data)[i];
    }
    return NAN;
}
