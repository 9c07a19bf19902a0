/* Methods of explanation as text. */
#include "testing.h"

#include "app/method.h"

static const app_command command = {.name = "evaluate"};

static void check(const char *text, const char *described)
{
    wf_options *options;
    char buf[160];
    assert_int_equal(app_method_parse(&command, text, &options), APP_OK);
    app_method_describe(options, buf, sizeof(buf));
    assert_string_equal(buf, described);
    wf_options_free(options);
}

static void test_describe(void **state)
{
    (void)state;
    check("s-rise", "s-rise");
    check("mine=s-rise,masks=7,seed=3", "s-rise");
    check("s-rise,preset=paper", "s-rise, preset paper");
    check("s-rise,preset=paper,masks=10,seed=9", "s-rise, preset paper");
    check("s-rise,fill=black,patches=12", "s-rise, patches=12, fill=black");
    check(
        "s-rise,preset=paper,estimator=covariance",
        "s-rise, patches=100, combine=sum-over-max, place=centre, fill=black");
}

static void test_short_buffer(void **state)
{
    wf_options *options;
    char buf[20];
    (void)state;
    assert_int_equal(
        app_method_parse(&command, "s-rise,fill=black,patches=12", &options),
        APP_OK);
    app_method_describe(options, buf, sizeof(buf));
    assert_string_equal(buf, "s-rise, patches=12,");
    wf_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_describe),
                                       cmocka_unit_test(test_short_buffer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
