/*
 * The database of a benchmark: what it keeps, and what it says when the file
 * is not what it should be, is locked, or has no room.
 */
#define _GNU_SOURCE /* unshare */
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/store.h"

enum { STEPS = 2, POINTS = 2 * (STEPS + 1), SIDE = 4, TRIPLETS = 3 };
enum { ITEMS = 4 * TRIPLETS }; /* one method: its maps, and three controls */

static const app_command command = {.name = "bench run"};
static char folder[64], path[96];

/* ---- helpers ------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test_store.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/a.db", folder);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        unlink(name);
    }
    return rmdir(folder);
}

/* What is written to standard error, until heard() gives it back. */
static int real_stderr;
static FILE *ear;

static void listen_to_errors(void)
{
    fflush(stderr);
    ear = tmpfile();
    assert_non_null(ear);
    real_stderr = dup(2);
    dup2(fileno(ear), 2);
}

static void heard(char *buf, size_t size)
{
    fflush(stderr);
    dup2(real_stderr, 2);
    close(real_stderr);
    rewind(ear);
    buf[fread(buf, 1, size - 1, ear)] = '\0';
    fclose(ear);
}

static void check_said(const char *text, const char *part)
{
    const char *line = strchr(text, '\n');
    if (!strstr(text, part) || !line || line[1])
        fail_msg("'%s', expected one line with '%s'", text, part);
}

/* The call fails after one message, which contains `part`. */
#define ASSERT_SAYS(call, part)                                                \
    do {                                                                       \
        char text[2048];                                                       \
        listen_to_errors();                                                    \
        int said = (call);                                                     \
        heard(text, sizeof(text));                                             \
        check_said(text, (part));                                              \
        assert_int_equal(said, APP_FAILED);                                    \
    } while (0)

static app_store *opened(void)
{
    app_store *s = NULL;
    assert_int_equal(app_store_open(&command, path, 1, &s), APP_OK);
    return s;
}

static void fill(app_store *s)
{
    app_bench_set set;
    char *plan;
    assert_int_equal(app_store_plan(s, "{\"pairs\": 3}", &plan), APP_OK);
    free(plan);
    assert_true(app_bench_set_create(&set, 1, 1, TRIPLETS));
    set.controls = 1u << APP_OTHERS | 1u << APP_RANDOM | 1u << APP_CENTRED;
    set.models[0] = (app_store_model){.name = "m",
                                      .path = "/it's \"m\".onnx",
                                      .sha256 = "abc",
                                      .threshold = NAN};
    set.methods[0] =
        (app_store_method){"x,masks=5", "x", "x=s-rise,masks=5", 5};
    for (size_t i = 0; i < TRIPLETS; i++) {
        set.triplets[i].pair = 10 * i + 1;
        for (int k = 0; k < 3; k++)
            set.triplets[i].photos[k] = strdup(k ? "b.jpg" : "a.jpg");
    }
    assert_int_equal(app_store_put_set(s, &set), APP_OK);
    app_bench_set_free(&set);
}

static void start(app_store *s)
{
    const app_machine machine = {.cpu = "a processor", .threads = 2};
    assert_int_equal(app_store_start(s, &machine), APP_OK);
}

static enum app_claim claim(app_store *s, app_item *item)
{
    enum app_claim c;
    assert_int_equal(app_store_claim(s, item, &c), APP_OK);
    return c;
}

static app_counts count(app_store *s)
{
    app_counts c;
    assert_int_equal(app_store_count(s, &c), APP_OK);
    return c;
}

/* Numbers that tell an item's scores and maps from any other's. */
static double mark(int64_t item, int k, int point)
{
    return (double)(100 * item + 10 * k + point);
}

/* An outcome whose maps are wide x wide. */
static int finish(app_store *s, const app_item *item, int wide,
                  const char *fault)
{
    double curves[4][POINTS];
    wf_map *maps[4] = {NULL};
    float *values = calloc((size_t)wide * (size_t)wide, sizeof(*values));
    app_outcome o = {.backend = "native",
                     .precision = "f32",
                     .seconds = 1.5,
                     .forwards = 33,
                     .steps = STEPS,
                     .fault = fault};
    assert_non_null(values);
    for (int k = 0; k < 4; k++) {
        app_record *r = &o.records[k / 2][k % 2];
        values[0] = (float)mark(item->id, k, 0);
        ASSERT_OK(wf_map_create(values, wide, wide, &maps[k], err));
        for (int i = 0; i < POINTS; i++)
            curves[k][i] = mark(item->id, k, i);
        r->curves = curves[k];
        r->result.deletion[0] = (wf_crossing){0.25, WF_CROSSED};
        r->result.deletion_auc[1] = NAN;
        o.maps[k / 2][k % 2] = item->kind == APP_GIVEN ? maps[k] : NULL;
    }
    int status = app_store_finish(s, item, &o);
    for (int k = 0; k < 4; k++)
        wf_map_free(maps[k]);
    free(values);
    return status;
}

static void check_score(void *user, const app_item *item, int pair, int side,
                        const app_record *r, int steps)
{
    int k = 2 * pair + side;
    assert_int_equal(steps, STEPS);
    for (int i = 0; i < POINTS; i++)
        assert_true(r->curves[i] == mark(item->id, k, i));
    assert_true(r->result.deletion[0].share == 0.25);
    assert_int_equal(r->result.deletion[0].state, WF_CROSSED);
    assert_true(isnan(r->result.deletion_auc[1]));
    free(r->curves);
    *(size_t *)user += 1;
}

/* The file is whole and holds `items` finished items with all their scores. */
static void check_finished(app_store *s, size_t items)
{
    size_t seen = 0;
    assert_int_equal(count(s).done, items);
    assert_int_equal(app_store_scores(s, 0, check_score, &seen), APP_OK);
    assert_int_equal(seen, 4 * items);
}

/* Overwrites `n` bytes at `offset` of the file. */
static void scribble(long offset, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, offset, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* A file with `done` finished items, closed. */
static void make_file(size_t done)
{
    app_store *s = opened();
    app_item item;
    fill(s);
    start(s);
    for (size_t i = 0; i < done; i++) {
        assert_int_equal(claim(s, &item), APP_CLAIMED);
        assert_int_equal(finish(s, &item, SIDE, NULL), APP_OK);
    }
    app_store_close(s);
}

/* ---- create, go on ------------------------------------------------------- */

static void test_create(void **state)
{
    app_store *s = NULL;
    app_bench_set set;
    char *plan;
    int ready;
    (void)state;
    ASSERT_SAYS(app_store_open(&command, path, 0, &s), "No such file");
    s = opened();
    assert_int_equal(app_store_plan(s, NULL, &plan), APP_OK);
    assert_null(plan);
    assert_int_equal(app_store_get_set(s, &set, &ready), APP_OK);
    assert_false(ready);
    fill(s);
    app_store_close(s);

    s = opened();
    /* The first plan and the first set count. */
    assert_int_equal(app_store_plan(s, "{\"pairs\": 4}", &plan), APP_OK);
    assert_string_equal(plan, "{\"pairs\": 3}");
    free(plan);
    fill(s);
    assert_int_equal(app_store_get_set(s, &set, &ready), APP_OK);
    assert_true(ready);
    assert_int_equal(set.n_models, 1);
    assert_int_equal(set.n_triplets, TRIPLETS);
    assert_string_equal(set.models[0].path, "/it's \"m\".onnx");
    assert_true(isnan(set.models[0].threshold));
    assert_string_equal(set.methods[0].text, "x=s-rise,masks=5");
    assert_true(set.methods[0].masks == 5);
    assert_int_equal(set.triplets[2].pair, 21);
    assert_string_equal(set.triplets[2].photos[2], "b.jpg");
    app_bench_set_free(&set);
    assert_int_equal(count(s).total, ITEMS);
    app_store_close(s);
}

static void test_crops(void **state)
{
    uint8_t pixels[3 * 2 * 3];
    wf_image *crop, *back;
    int known;
    (void)state;
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(10 * i);
    ASSERT_OK(wf_image_from_pixels(pixels, 3, 2, 3, 0, &crop, err));
    app_store *s = opened();
    assert_int_equal(app_store_put_crop(s, 0, "a.jpg", "abc", crop, NULL), 0);
    assert_int_equal(app_store_put_crop(s, 0, "b.jpg", "abc", NULL, "none"), 0);
    assert_int_equal(app_store_get_crop(s, 0, "a.jpg", &back, &known), 0);
    assert_true(known);
    assert_int_equal(wf_image_width(back), 3);
    assert_memory_equal(wf_image_pixels(back), pixels, sizeof(pixels));
    wf_image_free(back);
    assert_int_equal(app_store_get_crop(s, 0, "b.jpg", &back, &known), 0);
    assert_true(known && !back);
    assert_int_equal(app_store_get_crop(s, 1, "a.jpg", &back, &known), 0);
    assert_true(!known && !back);
    wf_image_free(crop);
    app_store_close(s);
}

static void test_resume(void **state)
{
    app_item item, first;
    wf_map *map;
    (void)state;
    make_file(2);
    app_store *s = opened();
    start(s);
    check_finished(s, 2);
    /* Of an item that failed the reason is kept; it is tried again later. */
    assert_int_equal(claim(s, &first), APP_CLAIMED);
    assert_int_equal(finish(s, &first, SIDE, "no face"), APP_OK);
    assert_int_equal(count(s).failed, 1);
    assert_string_equal(count(s).fault, "no face");
    app_store_close(s);

    s = opened();
    start(s);
    assert_int_equal(count(s).failed, 0);
    for (size_t done = 2; claim(s, &item) == APP_CLAIMED; done++) {
        /* Means of other pairs come when all the maps are there. */
        if (item.kind == APP_OTHERS)
            assert_true(done >= ITEMS - TRIPLETS);
        if (done == 2)
            assert_int_equal(item.id, first.id);
        assert_int_equal(finish(s, &item, SIDE, NULL), APP_OK);
    }
    check_finished(s, ITEMS);
    item = (app_item){.triplet = 1};
    assert_int_equal(app_store_map(s, &item, 1, 0, &map), APP_OK);
    assert_non_null(map);
    assert_int_equal(wf_map_width(map), SIDE);
    wf_map_free(map);
    assert_int_equal(app_store_drop_maps(s), APP_OK);
    assert_int_equal(app_store_map(s, &item, 1, 0, &map), APP_OK);
    assert_null(map);
    app_store_close(s);
}

/* ---- files that are refused ---------------------------------------------- */

static void test_foreign(void **state)
{
    /* user_version at 60 and application_id at 68 of the header, big-endian. */
    const uint8_t later[4] = {0, 0, 0, 2}, other[4] = {1, 2, 3, 4};
    app_store *s = NULL;
    (void)state;
    make_file(1);
    scribble(60, later, 4);
    ASSERT_SAYS(app_store_open(&command, path, 1, &s),
                "has format 2, this version of whyface has 1");
    scribble(68, other, 4);
    ASSERT_SAYS(app_store_open(&command, path, 1, &s),
                "is no database of 'whyface bench run'");
    scribble(0, "a text, much too short", 23);
    ASSERT_SAYS(app_store_open(&command, path, 1, &s), "is no SQLite database");
    assert_null(s);
    assert_int_equal(truncate(path, 0), 0);
    ASSERT_SAYS(app_store_open(&command, path, 0, &s),
                "is no database of 'whyface bench run'");
    ASSERT_SAYS(app_store_open(&command, folder, 1, &s), "cannot use");
}

static void test_damaged(void **state)
{
    uint8_t noise[2000];
    app_store *s = NULL;
    (void)state;
    make_file(ITEMS);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    assert_true(size > 20000);
    /* Half of the file is there. */
    assert_int_equal(truncate(path, size / 2), 0);
    ASSERT_SAYS(app_store_open(&command, path, 1, &s), "is damaged");
    unlink(path);
    /* Pages in the middle are noise. */
    make_file(ITEMS);
    memset(noise, 0xa5, sizeof(noise));
    for (long at = 4096; at + 4096 <= size; at += 4096)
        scribble(at, noise, sizeof(noise));
    ASSERT_SAYS(app_store_open(&command, path, 1, &s), "is damaged");
    assert_null(s);
}

/* ---- other processes ----------------------------------------------------- */

/* Another process that claims an item, tells which, and lives until `end`. */
typedef struct other {
    pid_t pid;
    int end;
    int64_t item;
} other;

static other start_other(void)
{
    int up[2], down[2];
    other o = {0};
    assert_int_equal(pipe(up) | pipe(down), 0);
    o.pid = fork();
    if (o.pid == 0) {
        app_store *s = NULL;
        app_item item = {0};
        enum app_claim c;
        char byte;
        close(up[0]);
        close(down[1]);
        if (app_store_open(&command, path, 1, &s) == APP_OK &&
            app_store_claim(s, &item, &c) == APP_OK &&
            write(up[1], &item.id, sizeof(item.id)) == sizeof(item.id))
            _exit(read(down[0], &byte, 1) != 0);
        _exit(1);
    }
    close(up[1]);
    close(down[0]);
    assert_int_equal(read(up[0], &o.item, sizeof(o.item)), sizeof(o.item));
    close(up[0]);
    o.end = down[1];
    return o;
}

/* It is killed, and collected if `collect`: until then it is a zombie. */
static void kill_other(const other *o, int collect)
{
    siginfo_t info;
    kill(o->pid, SIGKILL);
    waitid(P_PID, (id_t)o->pid, &info, WEXITED | WNOWAIT);
    if (collect)
        waitpid(o->pid, NULL, 0);
    close(o->end);
}

static void test_claims(void **state)
{
    app_item item;
    (void)state;
    make_file(1);
    app_store *s = opened();
    other living = start_other(), dead = start_other(), zombie = start_other();
    assert_int_equal(living.item, 2);
    assert_int_equal(dead.item, 3);
    assert_int_equal(zombie.item, 4);
    kill_other(&dead, 1);
    kill_other(&zombie, 0);
    start(s);
    /* Theirs are free again, the living one's is not. */
    assert_int_equal(claim(s, &item), APP_CLAIMED);
    assert_int_equal(item.id, dead.item);
    assert_int_equal(finish(s, &item, SIDE, NULL), APP_OK);
    assert_int_equal(claim(s, &item), APP_CLAIMED);
    assert_int_equal(item.id, zombie.item);
    waitpid(zombie.pid, NULL, 0);
    do
        assert_int_equal(finish(s, &item, SIDE, NULL), APP_OK);
    while (claim(s, &item) == APP_CLAIMED);
    assert_int_equal(claim(s, &item), APP_WAIT);
    kill_other(&living, 1);
    assert_int_equal(claim(s, &item), APP_CLAIMED);
    assert_int_equal(item.id, living.item);
    while (finish(s, &item, SIDE, NULL) == APP_OK &&
           claim(s, &item) == APP_CLAIMED)
        ;
    assert_int_equal(claim(s, &item), APP_ALL_DONE);
    check_finished(s, ITEMS);
    app_store_close(s);
}

/* What was given back and taken by another is not stored twice. */
static void test_lost_claim(void **state)
{
    app_item item;
    (void)state;
    make_file(0);
    app_store *s = opened();
    start(s);
    assert_int_equal(claim(s, &item), APP_CLAIMED);
    assert_int_equal(app_store_release(s, &item), APP_OK);
    other o = start_other();
    assert_int_equal(o.item, item.id);
    assert_int_equal(finish(s, &item, SIDE, NULL), APP_OK);
    assert_int_equal(app_store_release(s, &item), APP_OK);
    check_finished(s, 0);
    assert_int_equal(claim(s, &item), APP_CLAIMED);
    assert_int_not_equal(item.id, o.item);
    kill_other(&o, 1);
    app_store_close(s);
}

/* Takes as long as a lock is waited for: 10 s. */
static void test_locked(void **state)
{
    int ready[2], end[2];
    char byte = 0;
    app_item item;
    enum app_claim c;
    (void)state;
    make_file(2);
    app_store *s = opened();
    assert_int_equal(pipe(ready) | pipe(end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db;
        close(end[1]);
        _exit(sqlite3_open(path, &db) ||
              sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
              write(ready[1], &byte, 1) != 1 || read(end[0], &byte, 1) != 0);
    }
    close(end[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    /* Reading goes on; writing does not, and says so. */
    check_finished(s, 2);
    ASSERT_SAYS(app_store_claim(s, &item, &c), "is locked by another program");
    close(end[1]);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(claim(s, &item), APP_CLAIMED);
    assert_int_equal(item.id, 3);
    check_finished(s, 2);
    app_store_close(s);
}

/* ---- no room ------------------------------------------------------------- */

/* Finishes items with larger and larger maps until one is refused: its number
 * of those before, and what was said. */
static size_t finish_until_full(app_store *s, app_item *item, char text[2048])
{
    size_t done = 0;
    int status = APP_OK;
    *text = '\0';
    for (int wide = 16; wide <= 1024 && status == APP_OK; wide *= 2) {
        assert_int_equal(claim(s, item), APP_CLAIMED);
        listen_to_errors();
        status = finish(s, item, wide, NULL);
        heard(text, 2048);
        done += status == APP_OK;
    }
    return done;
}

/* As `ulimit -f` has it. */
static void test_file_limit(void **state)
{
    struct rlimit old, small;
    app_item item, again;
    char text[2048];
    (void)state;
    make_file(0);
    app_store *s = opened();
    start(s);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){300000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    size_t done = finish_until_full(s, &item, text);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    check_said(text, "cannot be read or written");
    assert_true(done > 0);
    check_finished(s, done);
    app_store_close(s);
    /* With room again, the same item is done next. */
    s = opened();
    start(s);
    assert_int_equal(app_store_release(s, &item), APP_OK);
    assert_int_equal(claim(s, &again), APP_CLAIMED);
    assert_int_equal(again.id, item.id);
    assert_int_equal(finish(s, &again, SIDE, NULL), APP_OK);
    check_finished(s, done + 1);
    app_store_close(s);
}

/* A disk of 1 MB in a name space of this process's child. */
static int fill_disk(void)
{
    app_item item;
    char text[2048];
    if (unshare(CLONE_NEWNS) ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, 0) ||
        mount("none", folder, "tmpfs", 0, "size=1m"))
        return errno == EPERM || errno == EACCES ? 77 : 1;
    make_file(1);
    app_store *s = opened();
    start(s);
    size_t done = 1 + finish_until_full(s, &item, text);
    check_said(text, "no room is left for");
    check_finished(s, done);
    app_store_close(s);
    s = opened();
    check_finished(s, done);
    app_store_close(s);
    return done > 1 ? 0 : 1;
}

static void test_full_disk(void **state)
{
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fill_disk());
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("SKIPPED: mounting a small disk needs root's rights\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create),     TEST(test_crops),   TEST(test_resume),
        TEST(test_foreign),    TEST(test_damaged), TEST(test_claims),
        TEST(test_lost_claim), TEST(test_locked),  TEST(test_file_limit),
        TEST(test_full_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
