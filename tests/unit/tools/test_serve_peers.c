/* How skin-serve keeps clients from harming each other: turns in the queue, whose address a request
 * comes from, shares of the memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "serve/job.h"
#include "serve/peer.h"
#include "serve/proxy.h"

static job_need needed(const job *j)
{
    (void)j;
    return JOB_NEEDED;
}

static void count_done(job *j) { (*(int *)j->owner)++; }

/* ---- the queue ---- */

/* Addresses take turns, whatever one of them has pushed. */
static void queue_is_fair(void **state)
{
    (void)state;
    job_queue q;
    job_lane greedy = {0}, other = {0}, third = {0};
    job many[4], few[2], one = {.lane = &third, .need = needed};
    int done = 0;
    assert_true(job_queue_init(&q, 4));
    for (int i = 0; i < 4; i++) {
        many[i] = (job){.lane = &greedy, .need = needed, .done = count_done, .owner = &done};
        assert_true(job_queue_push(&q, &many[i]));
    }
    for (int i = 0; i < 2; i++) few[i] = (job){.lane = &other, .need = needed};
    /* Full: the newest of the one that has most makes room. */
    assert_true(job_queue_push(&q, &few[0]));
    assert_int_equal(done, 1);
    assert_string_equal(many[3].problem.code, "BUSY");
    assert_int_equal(many[3].problem.retry_after, RETRY_ROOM);
    assert_true(job_queue_push(&q, &one));
    assert_int_equal(done, 2);
    assert_string_equal(many[2].problem.code, "BUSY");
    /* It would have as many as the greedy one then. */
    assert_false(job_queue_push(&q, &few[1]));
    assert_int_equal(job_queue_lanes(&q), 3);
    assert_ptr_equal(job_queue_take(&q, 1), &many[0]);
    /* What pauses goes on in its next turn. */
    assert_true(job_should_pause(&many[0]));
    job_queue_put_back(&q, &many[0]);
    assert_int_equal(job_queue_length(&q), 4);
    assert_ptr_equal(job_queue_take(&q, 1), &few[0]);
    assert_ptr_equal(job_queue_take(&q, 1), &one);
    assert_ptr_equal(job_queue_take(&q, 1), &many[0]);
    assert_false(job_should_pause(&many[0])); /* only its own address waits */
    assert_ptr_equal(job_queue_take(&q, 1), &many[1]);
    job_queue_close(&q);
    assert_null(job_queue_take(&q, 1));
    job_queue_destroy(&q);
}

/* ---- addresses ---- */

static net_address address(const char *text)
{
    net_address a = {{0}};
    if (!net_address_parse(text, strlen(text), &a)) fail_msg("%s is no address", text);
    return a;
}

static bool equal(net_address a, net_address b) { return memcmp(&a, &b, sizeof a) == 0; }

static void addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "a",       "1.2.3", "1.2.3.4.5",       "1.2.3.4/8",
                                      "::1%", "unknown", "_x",    "[1.2.3.4:5]:1::", "1.2.3.256"};
    net_address a;
    assert_true(equal(address("192.0.2.1"), address("192.0.2.1:80")));
    assert_true(equal(address("192.0.2.1"), address("::ffff:192.0.2.1")));
    assert_true(equal(address("2001:db8::1"), address("[2001:db8::1]:443")));
    assert_true(equal(address("2001:db8::1"), address("[2001:db8::1]")));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (net_address_parse(bad[i], strlen(bad[i]), &a)) fail_msg("%s is taken", bad[i]);
    /* Whoever has an address of a /64 has all of them. */
    assert_true(equal(net_address_client(address("2001:db8::1:2:3:4")),
                      net_address_client(address("2001:db8::5:6:7:8"))));
    assert_false(equal(net_address_client(address("2001:db8:0:1::1")),
                       net_address_client(address("2001:db8:0:2::1"))));
    assert_false(
        equal(net_address_client(address("192.0.2.1")), net_address_client(address("192.0.2.2"))));
}

static void proxies(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      ",",       "x",         "127.0.0.1,", "10.0.0.0/33",
                                      "::1/0", "::1/129", "10.0.0.0/", "10.0.0.0/8x"};
    static const struct {
        const char *header, *client;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"6.6.6.6, 192.0.2.7", "192.0.2.7"}, /* the first is the client's own word */
        {"6.6.6.6,192.0.2.7 , 10.1.2.3", "192.0.2.7"},
        {"10.9.9.9, 10.1.2.3", "10.9.9.9"},
        {"6.6.6.6, nonsense, 10.1.2.3", "10.1.2.3"},
        {"nonsense", "127.0.0.1"},
        {"", "127.0.0.1"},
        {", ,", "127.0.0.1"},
        {"2001:db8::9, [::1]:80", "2001:db8::9"},
    };
    proxy_list l;
    nbase_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (proxy_list_parse(&l, bad[i], &err)) fail_msg("'%s' is taken", bad[i]);
    assert_true(proxy_list_parse(&l, NULL, &err) && l.count == 0);
    assert_true(proxy_list_parse(&l, "127.0.0.1,10.0.0.0/8,::1,2001:db8:5::/48", &err));
    assert_true(proxy_list_has(&l, address("10.255.0.1")) && proxy_list_has(&l, address("::1")));
    assert_true(proxy_list_has(&l, address("2001:db8:5:1::1")));
    assert_false(proxy_list_has(&l, address("2001:db8:6::1")));
    assert_false(proxy_list_has(&l, address("11.0.0.1")) ||
                 proxy_list_has(&l, address("127.0.0.2")));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_address at = address("127.0.0.1");
        proxy_list_search(&l, cases[i].header, &at);
        if (!equal(at, address(cases[i].client)))
            fail_msg("%s: not taken for %s", cases[i].header, cases[i].client);
    }
}

/* ---- memory ---- */

/* Several requests of one address leave room for another's. */
static void budget_is_shared(void **state)
{
    (void)state;
    budget whole = {.limit = 1000}, a = {.whole = &whole}, b = {.whole = &whole};
    atomic_store(&a.claimants, 1);
    assert_true(budget_take(&a, 1000)); /* a single request may have all */
    assert_false(budget_take(&a, 1));
    budget_return(&a, 1000);
    assert_int_equal(whole.used, 0);
    atomic_store(&a.claimants, 2);
    assert_true(budget_take(&a, 700));
    assert_false(budget_take(&a, 100)); /* 800 where 200 would be left */
    assert_int_equal(whole.used, 700);
    atomic_store(&b.claimants, 2);
    assert_true(budget_take(&b, 200));
    assert_false(budget_take(&b, 100));
    assert_false(budget_take(&b, SIZE_MAX)); /* no overflow */
    budget_return(&a, 700);
    budget_return(&b, 200);
    assert_int_equal(whole.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_is_fair),
        cmocka_unit_test(addresses),
        cmocka_unit_test(proxies),
        cmocka_unit_test(budget_is_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
