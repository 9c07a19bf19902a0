/*
 * ONNX's own test vectors for operators.  usage: test_conformance FOLDER LIST
 *
 * Every case of FOLDER (one sub-folder each: model.onnx and test_data_set_N/)
 * must pass, unless LIST names it; a case that LIST names must fail to be
 * supported, so that the list is exact.  Lines of LIST are names or prefixes
 * that end in '*'; '#' begins a comment.
 */
#include "testing.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "kernel/call.h"
#include "kernel/op.h"

/* |got - expected| <= ABSOLUTE + RELATIVE * |expected| */
#define ABSOLUTE 1e-5
#define RELATIVE 1e-4

#define MAX_LIST  4096
#define MAX_PORTS 32

enum verdict { PASSED, FAILED, UNSUPPORTED };

static struct {
    char pattern[128];
    bool used;
} list[MAX_LIST];
static int n_list;

static void read_list(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "# \t\r\n")] = '\0';
        if (!*line)
            continue;
        assert_true(n_list < MAX_LIST);
        snprintf(list[n_list++].pattern, sizeof(list[0].pattern), "%s", line);
    }
    fclose(file);
}

static bool listed(const char *name)
{
    bool found = false;
    for (int i = 0; i < n_list; i++) {
        size_t length = strcspn(list[i].pattern, "*");
        bool prefix = list[i].pattern[length] == '*';
        if (prefix ? !strncmp(list[i].pattern, name, length)
                   : !strcmp(list[i].pattern, name))
            found = list[i].used = true;
    }
    return found;
}

static wf_status load_tensor(const char *folder, const char *kind, int index,
                             wf__tensor *out, wf_error *err)
{
    char path[4096];
    wf__bytes bytes;
    snprintf(path, sizeof(path), "%s/%s_%d.pb", folder, kind, index);
    WF__TRY(wf__bytes_open(path, "tensor", 1 << 30, &bytes, err));
    wf_status st = wf__tensor_parse(bytes.data, bytes.size, path, out, err);
    wf__bytes_close(&bytes);
    return st;
}

static bool same_tensor(const wf__tensor *got, const wf__tensor *expected,
                        char *why, size_t size)
{
    char a[100], b[100];
    if (got->dtype != expected->dtype ||
        !wf__shape_equal(&got->shape, &expected->shape)) {
        snprintf(why, size, "%s %s, expected %s %s", wf__dtype_name(got->dtype),
                 wf__shape_text(&got->shape, a, sizeof(a)),
                 wf__dtype_name(expected->dtype),
                 wf__shape_text(&expected->shape, b, sizeof(b)));
        return false;
    }
    int64_t n = wf__shape_elements(&got->shape);
    for (int64_t i = 0; i < n; i++) {
        double x = wf__load(got, i), y = wf__load(expected, i);
        bool half = got->dtype == WF__F16;
        if (x == y || (isnan(x) && isnan(y)))
            continue;
        if (!(fabs(x - y) <= ABSOLUTE + (half ? 1e-3 : RELATIVE) * fabs(y))) {
            snprintf(why, size, "value %d is %.9g, expected %.9g", (int)i, x,
                     y);
            return false;
        }
    }
    return true;
}

static enum verdict run_set(const wf__graph *graph, const char *folder,
                            char *why, size_t size)
{
    wf__tensor in[MAX_PORTS] = {{0}}, out[MAX_PORTS] = {{0}}, expected = {0};
    wf_error err = {0};
    enum verdict verdict = FAILED;
    for (int i = 0; i < graph->n_inputs; i++)
        if (load_tensor(folder, "input", i, &in[i], &err) != WF_OK) {
            verdict = err.code == WF_EUNSUPPORTED ? UNSUPPORTED : FAILED;
            goto done;
        }
    if (wf__reference_run(graph, in, out, &err) != WF_OK) {
        verdict = err.code == WF_EOPERATOR ? UNSUPPORTED : FAILED;
        goto done;
    }
    verdict = PASSED;
    for (int i = 0; i < graph->n_outputs && verdict == PASSED; i++) {
        if (load_tensor(folder, "output", i, &expected, &err) != WF_OK)
            verdict = FAILED;
        else if (!same_tensor(&out[i], &expected, err.message,
                              sizeof(err.message)))
            verdict = FAILED;
        wf__tensor_free(&expected);
    }
done:
    snprintf(why, size, "%.400s", err.message);
    for (int i = 0; i < MAX_PORTS; i++) {
        wf__tensor_free(&in[i]);
        wf__tensor_free(&out[i]);
    }
    return verdict;
}

static enum verdict run_case(const char *folder, char *why, size_t size)
{
    char path[4096];
    struct stat info;
    wf__graph *graph = NULL;
    wf_error err = {0};
    enum verdict verdict = PASSED;
    snprintf(path, sizeof(path), "%s/model.onnx", folder);
    wf_status st = wf__graph_load(path, &graph, &err);
    if (st == WF_OK)
        st = wf__op_check_graph(graph, &err);
    if (st != WF_OK) {
        snprintf(why, size, "%.400s", err.message);
        wf__graph_free(graph);
        return st == WF_EOPERATOR || st == WF_EUNSUPPORTED ? UNSUPPORTED
                                                           : FAILED;
    }
    assert_true(graph->n_inputs <= MAX_PORTS && graph->n_outputs <= MAX_PORTS);
    for (int set = 0; verdict == PASSED; set++) {
        snprintf(path, sizeof(path), "%s/test_data_set_%d", folder, set);
        if (stat(path, &info))
            break;
        verdict = run_set(graph, path, why, size);
    }
    wf__graph_free(graph);
    return verdict;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static const char *folder;

static void test_all_cases(void **state)
{
    struct dirent **names;
    int n = scandir(folder, &names, not_hidden, alphasort);
    int count[3] = {0}, wrong = 0;
    (void)state;
    assert_true(n > 500);
    for (int i = 0; i < n; i++) {
        char path[4096], why[500] = "";
        const char *name = names[i]->d_name;
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        enum verdict verdict = run_case(path, why, sizeof(why));
        bool excused = listed(name);
        count[verdict]++;
        if (verdict == FAILED || (verdict == UNSUPPORTED) != excused) {
            printf("%s: %s%s\n", name,
                   verdict == PASSED ? "passes, but is in the list" : why,
                   verdict == UNSUPPORTED ? " (not in the list)" : "");
            wrong++;
        }
        free(names[i]);
    }
    free(names);
    for (int i = 0; i < n_list; i++)
        if (!list[i].used) {
            printf("the list names '%s', which is no case\n", list[i].pattern);
            wrong++;
        }
    printf("%d cases: %d passed, %d of unsupported operators, %d failed\n", n,
           count[PASSED], count[UNSUPPORTED], count[FAILED]);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_cases)};
    struct stat info;
    if (argc != 3 || stat(argv[1], &info)) {
        fprintf(stderr, "SKIPPED: the vectors of Debian's libonnx-testdata are "
                        "not installed\n");
        return 77;
    }
    folder = argv[1];
    read_list(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
