#include "testing.h"

#include <unistd.h>

#include "base/base.h"
#include "base/random.h"
#include "base/tuning.h"

static void statuses_have_names_and_texts(void **state)
{
    (void)state;
#define CHECK(name, number, text)                                              \
    assert_string_equal(wf_status_name(name), #name);                          \
    assert_true(strlen(wf_status_text(name)) > 0);
    WF_STATUS_MAP(CHECK)
#undef CHECK
    assert_string_equal(wf_status_name((wf_status)9999), "WF_?");
}

static void control_characters_do_not_reach_messages(void **state)
{
    (void)state;
    wf_error err = {0};
    assert_int_equal(wf__fail(&err, WF_EIO, "a%sb", "\033[31m\n"), WF_EIO);
    assert_string_equal(err.message, "a?[31m?b");
    assert_int_equal(wf__fail(NULL, WF_EIO, "x"), WF_EIO);
}

static void context_comes_before_the_message(void **state)
{
    (void)state;
    wf_error err = {0};
    (void)wf__fail(&err, WF_EIO, "inner");
    (void)wf__fail_context(&err, WF_EIO, "outer '%d'", 3);
    assert_string_equal(err.message, "outer '3': inner");
}

static void allocation_refuses_overflow(void **state)
{
    (void)state;
    assert_null(wf__alloc(SIZE_MAX / 2, 4));
    assert_null(wf__alloc(WF__MAX_BLOCK, 2));
    void *block = wf__alloc(0, 4);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 64, 0);
    wf__free(block);
}

/* Known answers of Philox4x32-10 from the Random123 distribution's kat_vectors:
 * counter 0, key 0. */
static void philox_matches_its_known_answer(void **state)
{
    (void)state;
    uint32_t words[4];
    wf__random4(0, 0, 0, 0, words);
    assert_int_equal(words[0], 0x6627e8d5);
    assert_int_equal(words[1], 0xe169c58d);
    assert_int_equal(words[2], 0xbc57ac4c);
    assert_int_equal(words[3], 0x9b00dbd8);
}

static void sha256_of_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/whyface-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("abc", file);
    fclose(file);
    char hex[65];
    ASSERT_OK(wf_sha256_file(path, hex, err));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
    remove(path);
    ASSERT_FAILS(wf_sha256_file(path, hex, err), WF_ENOENT, path);
}

/* Kept facts come back; those of another machine or a damaged file do not. */
static void tuning_is_kept(void **state)
{
    (void)state;
    char path[] = "/tmp/whyface-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    wf__tuning *t = wf__tuning_read(path);
    assert_non_null(t);
    assert_null(wf__tuning_get(t, "a"));
    ASSERT_OK(wf__tuning_set(t, "a", "1", err));
    ASSERT_OK(wf__tuning_set(t, "b b", "x y", err));
    ASSERT_OK(wf__tuning_set(t, "a", "2", err));
    ASSERT_OK(wf__tuning_write(t, path, err));
    wf__tuning_free(t);
    t = wf__tuning_read(path);
    assert_string_equal(wf__tuning_get(t, "a"), "2");
    assert_string_equal(wf__tuning_get(t, "b b"), "x y");
    wf__tuning_free(t);
    /* Another machine: one letter of the first line differs. */
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fputs("W", file);
    fclose(file);
    t = wf__tuning_read(path);
    assert_null(wf__tuning_get(t, "a"));
    wf__tuning_free(t);
    t = wf__tuning_read("/nowhere/tuning.txt");
    assert_null(wf__tuning_get(t, "a"));
    ASSERT_FAILS(wf__tuning_write(t, "/nowhere/tuning.txt", err), WF_EIO,
                 "/nowhere");
    wf__tuning_free(t);
    assert_null(wf__tuning_get(NULL, "a"));
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_names_and_texts),
        cmocka_unit_test(control_characters_do_not_reach_messages),
        cmocka_unit_test(context_comes_before_the_message),
        cmocka_unit_test(allocation_refuses_overflow),
        cmocka_unit_test(philox_matches_its_known_answer),
        cmocka_unit_test(sha256_of_a_file),
        cmocka_unit_test(tuning_is_kept),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
