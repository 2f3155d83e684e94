/* Training by several processes together: what a trainer takes as its group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"

static nbase_status broadcast(void *context, size_t root, void *data, size_t bytes)
{
    (void)context, (void)root, (void)data, (void)bytes;
    return NBASE_OK;
}

static nbase_status gather(void *context, const void *mine, void *all, const size_t *bytes)
{
    (void)context;
    memcpy(all, mine, bytes[0]);
    return NBASE_OK;
}

static nbase_status sum(void *context, float *total, size_t count,
                        void (*add)(void *adder, size_t first, size_t n), void *adder)
{
    (void)context, (void)total;
    add(adder, 0, count);
    return NBASE_OK;
}

static void refused(void **state)
{
    (void)state;
    static const convlstm_group alone = {0, 1, NULL, broadcast, gather, sum, NULL};
    const struct {
        convlstm_group group;
        const char *text;
    } wrong[] = {
        {{0, 0, NULL, broadcast, gather, sum, NULL}, "no rank 0 among 0"},
        {{1, 1, NULL, broadcast, gather, sum, NULL}, "no rank 1 among 1"},
        {{0, 1, NULL, NULL, gather, sum, NULL}, "a null function"},
        {{0, 1, NULL, broadcast, NULL, sum, NULL}, "a null function"},
        {{0, 1, NULL, broadcast, gather, NULL, NULL}, "a null function"},
        {{0, 2, NULL, broadcast, gather, sum, NULL}, "2 ranks"},
    };
    convlstm_model *m = help_small(NULL, "skincredible-gap", 6, 6);
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    convlstm_trainer *t;
    nbase_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.group = &wrong[i].group;
        assert_int_not_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_OK);
        assert_non_null(strstr(err.text, wrong[i].text));
    }
    options.group = &alone;
    assert_int_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_OK);
    convlstm_trainer_free(t);
    convlstm_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
