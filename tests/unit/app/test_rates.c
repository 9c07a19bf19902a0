/* How often each client of the local page may come. */
#include "testing.h"

#include "app/serve/rates.h"

static void as_many_as_a_minute_has(void **state)
{
    app_rates rates = {.per_minute = 3};
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_float_equal(app_rates_take(&rates, "10.0.0.1", 100), 0, 0);
    /* One in 20 seconds: the next is due then. */
    assert_float_equal(app_rates_take(&rates, "10.0.0.1", 100), 20, 1e-9);
    assert_float_equal(app_rates_take(&rates, "10.0.0.1", 115), 5, 1e-9);
    assert_float_equal(app_rates_take(&rates, "10.0.0.1", 120), 0, 0);
    assert_true(app_rates_take(&rates, "10.0.0.1", 120) > 0);
    /* No more than a minute's are saved up. */
    for (int i = 0; i < 3; i++)
        assert_float_equal(app_rates_take(&rates, "10.0.0.1", 9000), 0, 0);
    assert_true(app_rates_take(&rates, "10.0.0.1", 9000) > 0);
}

static int may_come(app_rates *rates, const char *address)
{
    return app_rates_take(rates, address, 50) == 0;
}

static void each_by_itself(void **state)
{
    app_rates rates = {.per_minute = 1};
    (void)state;
    assert_true(may_come(&rates, "10.0.0.1"));
    assert_true(may_come(&rates, "10.0.0.2"));
    assert_false(may_come(&rates, "10.0.0.1"));
    assert_false(may_come(&rates, "10.0.0.2"));
    assert_true(may_come(&rates, "::1"));
    assert_false(may_come(&rates, "::1"));
}

static void a_client_of_ipv6_has_a_network(void **state)
{
    app_rates rates = {.per_minute = 1};
    (void)state;
    assert_true(may_come(&rates, "2001:db8:1:2:3:4:5:6"));
    assert_false(may_come(&rates, "2001:db8:1:2:ffff:4:5:6"));
    assert_false(may_come(&rates, "2001:db8:1:2::1"));
    assert_true(may_come(&rates, "2001:db8:1:3::1"));
}

/* Who was seen longest ago is forgotten, and nobody else. */
static void more_clients_than_places(void **state)
{
    app_rates rates = {.per_minute = 1};
    char address[32];
    (void)state;
    for (int i = 0; i <= APP_RATES_SEEN; i++) {
        snprintf(address, sizeof(address), "10.1.%d.%d", i / 256, i % 256);
        assert_float_equal(app_rates_take(&rates, address, 50 + 1e-3 * i), 0,
                           0);
    }
    assert_true(app_rates_take(&rates, "10.1.0.1", 51) > 0);
    assert_float_equal(app_rates_take(&rates, "10.1.0.0", 51), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_a_minute_has),
        cmocka_unit_test(each_by_itself),
        cmocka_unit_test(a_client_of_ipv6_has_a_network),
        cmocka_unit_test(more_clients_than_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
