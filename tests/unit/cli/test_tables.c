/* The tables of commands and options: what help, manual and shells read. */
#include "testing.h"

#include "cli/commands.h"

static const app_option *option_at(const app_command *command, size_t index)
{
    for (const app_option *o = command->options; o && o->name; o++)
        if (index-- == 0)
            return o;
    for (const app_option *o = command->more; o && o->name; o++)
        if (index-- == 0)
            return o;
    return NULL;
}

static void for_each(void (*check)(const app_command *command))
{
    for (size_t i = 0; cli_command(i); i++) {
        check(cli_command(i));
        for (size_t k = 0; cli_command(i)->parts && cli_command(i)->parts[k];
             k++)
            check(cli_command(i)->parts[k]);
    }
}

static void check_command(const app_command *command)
{
    char start[100];
    snprintf(start, sizeof(start), "whyface %s", command->name);
    if (strncmp(command->example, start, strlen(start)))
        fail_msg("%s: its example is of another command", command->name);
    if (strlen(command->summary) > 66)
        fail_msg("%s: its summary is too long for a line", command->name);
    if (!command->parts == !command->run)
        fail_msg("%s: either parts or something to run", command->name);
}

static void test_commands(void **state)
{
    (void)state;
    for_each(check_command);
}

static void check_options(const app_command *command)
{
    const app_option *o, *other;
    int has_help = 0;
    for (size_t i = 0; (o = option_at(command, i)); i++) {
        has_help |= !strcmp(o->name, "help");
        if (!o->help || !*o->help || strchr(o->help, '\n'))
            fail_msg("%s --%s: no line of help", command->name, o->name);
        for (size_t k = 0; k < i; k++) {
            other = option_at(command, k);
            if (!strcmp(o->name, other->name) ||
                (o->letter && o->letter == other->letter))
                fail_msg("%s: --%s and --%s are the same", command->name,
                         o->name, other->name);
        }
    }
    if (!has_help && command->run)
        fail_msg("%s: no option --help", command->name);
}

static void test_options(void **state)
{
    (void)state;
    for_each(check_options);
}

/* Whether the text has that word, not as a part of another. */
static int has_word(const char *text, const char *word, size_t length)
{
    const char *end = text + strlen(text);
    for (const char *p = text; p + length <= end; p++)
        if (!strncmp(p, word, length) && (p == text || strchr(" [,(", p[-1])) &&
            (!p[length] || strchr(" ],):;", p[length])))
            return 1;
    return 0;
}

/* What a shell offers is what the reader is told of. */
static void check_values(const app_command *command)
{
    const app_option *o;
    for (size_t i = 0; (o = option_at(command, i)); i++) {
        if (!o->values)
            continue;
        if (!o->metavar)
            fail_msg("%s --%s: a flag has values", command->name, o->name);
        for (const char *p = o->values; *p && *p != '%';) {
            size_t length = strcspn(p, "|");
            if (!has_word(o->help, p, length))
                fail_msg("%s --%s: its help lacks '%.*s'", command->name,
                         o->name, (int)length, p);
            p += length + (p[length] == '|');
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    for_each(check_values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_commands),
                                       cmocka_unit_test(test_options),
                                       cmocka_unit_test(test_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
