#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/template.h"
#include "testing.h"

static void assert_filled(const char *template, const char *data,
                          const char *expected)
{
    json_t *root = json_loads(data, 0, NULL);
    assert_non_null(root);
    char *text = app_template_fill(template, root);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
    json_decref(root);
}

static void test_values(void **state)
{
    (void)state;
    assert_filled("plain {brace} }}", "{}", "plain {brace} }}");
    assert_filled("{{a}}, {{ b }}, {{c}}", "{\"a\":\"x\",\"b\":3,\"c\":0.25}",
                  "x, 3, 0.25");
    assert_filled("[{{none}}][{{n}}][{{f}}][{{t}}]",
                  "{\"n\":null,\"f\":false,\"t\":true}", "[][][][true]");
    assert_filled("{{a.b.c}} {{a.x}}", "{\"a\":{\"b\":{\"c\":\"deep\"}}}",
                  "deep ");
    assert_filled("a{{! b }}c", "{}", "ac");
}

/* What a file name or a note says must never become markup. */
static void test_escaping(void **state)
{
    (void)state;
    assert_filled("<p title=\"{{a}}\">", "{\"a\":\"<&>\\\"'\"}",
                  "<p title=\"&lt;&amp;&gt;&quot;&#39;\">");
    assert_filled("{{{a}}}", "{\"a\":\"<b>\"}", "<b>");
    /* What a value holds is not a template. */
    assert_filled("{{a}}", "{\"a\":\"{{b}}\",\"b\":\"x\"}", "{{b}}");
}

static void test_sections(void **state)
{
    (void)state;
    assert_filled("{{#l}}{{n}};{{/l}}", "{\"l\":[{\"n\":1},{\"n\":2}]}",
                  "1;2;");
    assert_filled("{{#l}}<{{.}}>{{/l}}", "{\"l\":[\"a\",\"&\"]}", "<a><&amp;>");
    assert_filled("{{#o}}{{x}}{{/o}}", "{\"o\":{\"x\":\"in\"},\"x\":\"out\"}",
                  "in");
    assert_filled("{{#o}}{{x}}{{/o}}", "{\"o\":{},\"x\":\"out\"}", "out");
    assert_filled("{{#s}}yes{{/s}}{{^s}}no{{/s}}", "{\"s\":\"\"}", "no");
    assert_filled("{{#s}}yes{{/s}}{{^s}}no{{/s}}", "{\"s\":\"0\"}", "yes");
    assert_filled("{{#l}}yes{{/l}}{{^l}}no{{/l}}", "{\"l\":[]}", "no");
    assert_filled("{{#s}}yes{{/s}}{{^s}}no{{/s}}", "{}", "no");
    assert_filled("{{#s}}yes{{/s}}", "{\"s\":0}", "yes");
    assert_filled("{{#a}}{{#a}}x{{/a}}{{/a}}", "{\"a\":[{\"a\":[1,2]},{}]}",
                  "xxxx");
}

static void test_faults(void **state)
{
    (void)state;
    assert_filled("{{#a}}x", "{\"a\":1}", NULL);
    assert_filled("x{{/a}}", "{\"a\":1}", NULL);
    assert_filled("{{#a}}{{#b}}{{/a}}{{/b}}", "{\"a\":1,\"b\":1}", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
