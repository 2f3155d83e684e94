/* skin-serve's bodies in JSON, of infer, /predict and /v1/analyze: whatever comes is taken, or is
 * the client's fault, and all memory is given back. */
#include <stdlib.h>

#include "serve/analyzebody.h"
#include "serve/inferbody.h"
#include "serve/predictbody.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const frame_limits limits = {.frames = 10, .side = 8, .values = 2000};

static void check(const problem *p, bool ok, const budget *b)
{
    if (b->used != 0 || ok != (p->status == 0)) abort();
    if (!ok && (p->status < 400 || p->status == 500)) abort();
}

static void infer(const uint8_t *data, size_t size, size_t piece)
{
    budget b = {.limit = 1 << 16};
    problem p = {0};
    infer_body body;
    infer_body_init(&body, &limits, &b, &p);
    for (size_t at = 0; at < size; at += piece)
        infer_body_feed(&body, (const char *)data + at, size - at < piece ? size - at : piece);
    bool ok = infer_body_end(&body);
    infer_body_free(&body);
    check(&p, ok, &b);
}

static void predict(const uint8_t *data, size_t size)
{
    budget b = {.limit = 1 << 16};
    problem p = {0};
    predict_body body;
    predict_body_init(&body, &limits, &b, &p);
    predict_body_feed(&body, (const char *)data, size);
    bool ok = predict_body_end(&body);
    predict_body_free(&body);
    check(&p, ok, &b);
}

static void analyze(const uint8_t *data, size_t size)
{
    budget b = {.limit = 1 << 16};
    problem p = {0};
    analyze_body body;
    bool ok = analyze_body_init(&body, "application/json", 5, 1000, &b, &p);
    if (!ok) abort();
    analyze_body_feed(&body, (const char *)data, size);
    ok = analyze_body_end(&body);
    analyze_body_free(&body);
    check(&p, ok, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    infer(data, size, size ? size : 1);
    infer(data, size, 1);
    predict(data, size);
    analyze(data, size);
    return 0;
}
