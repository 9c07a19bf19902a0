/* Operators one by one: what conformance does not ask. */
#include "testing.h"

#include "kernel/call.h"
#include "kernel/op.h"
#include "onnx_writer.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* One node with input x (floats of the given shape) and constants. */
typedef struct one {
    writer graph;
    wf__tensor x;
} one;

static wf_status run(one *o, const char *op_output, wf__tensor *out,
                     wf_error *err)
{
    wf__graph *graph;
    int64_t any[1] = {-1};
    add_input(&o->graph, value_info("x", any, 0));
    add_output(&o->graph, value_info(op_output, any, 0));
    writer m = model(&o->graph, 13);
    wf_status st = wf__graph_parse(m.data, m.size, "t.onnx", &graph, err);
    writer_free(&m);
    if (st == WF_OK) {
        st = wf__op_check_graph(graph, err);
        if (st == WF_OK)
            st = wf__reference_run(graph, &o->x, out, err);
        wf__graph_free(graph);
    }
    return st;
}

static float numbers[64];

static one start(int rank, int64_t a, int64_t b, int64_t c)
{
    for (int i = 0; i < 64; i++)
        numbers[i] = (float)i;
    return (one){.x = {WF__F32, {rank, {a, b, c}}, numbers}};
}

static void refuses(const char *op, const int64_t *list, int n,
                    wf_status status, const char *part)
{
    one o = start(2, 4, 6, 0);
    wf__tensor out;
    int64_t dims[1] = {n};
    add_initializer(&o.graph, tensor_ints("list", dims, 1, list));
    add_node(&o.graph, node(op, NAMES("x", "list"), NAMES("y")));
    ASSERT_FAILS(run(&o, "y", &out, err), status, part);
}

/* Numbers in a file can be anything. */
static void test_hostile_numbers(void **state)
{
    const int64_t huge[2] = {INT64_MAX, INT64_MAX}, negative[2] = {-2, 3},
                  two_open[2] = {-1, -1}, wrong[2] = {5, 5},
                  pads[4] = {0, 0, INT64_MAX, 0},
                  least[4] = {INT64_MIN, 0, 0, 0};
    (void)state;
    refuses("Reshape", huge, 2, WF_ESHAPE, "node 'Reshape#0' (Reshape)");
    refuses("Reshape", negative, 2, WF_ESHAPE, "the shape is not valid");
    refuses("Reshape", two_open, 2, WF_ESHAPE, "the shape is not valid");
    refuses("Reshape", wrong, 2, WF_ESHAPE, "4x6 elements cannot take");
    refuses("Tile", huge, 2, WF_ESHAPE, "repeats do not fit");
    refuses("Tile", negative, 2, WF_ESHAPE, "repeats do not fit");
    refuses("Pad", pads, 4, WF_ESHAPE, "pads do not fit");
    refuses("Pad", least, 4, WF_ESHAPE, "pads do not fit");
    refuses("Expand", wrong, 2, WF_ESHAPE, "cannot be stretched");
    refuses("Unsqueeze", huge, 1, WF_ESHAPE, "does not fit");
    refuses("Squeeze", negative, 1, WF_ESHAPE, "not 1");
    refuses("ReduceSum", huge, 1, WF_ESHAPE, "does not fit");
    refuses("Gather", huge, 2, WF_ESHAPE, "is not within");
}

static void test_slice_extremes(void **state)
{
    const int64_t one_dim[1] = {1}, start_at[1] = {INT64_MAX},
                  end_at[1] = {INT64_MIN}, axis[1] = {1}, step[1] = {-2};
    one o = start(2, 4, 6, 0);
    wf__tensor out;
    (void)state;
    add_initializer(&o.graph, tensor_ints("s", one_dim, 1, start_at));
    add_initializer(&o.graph, tensor_ints("e", one_dim, 1, end_at));
    add_initializer(&o.graph, tensor_ints("a", one_dim, 1, axis));
    add_initializer(&o.graph, tensor_ints("t", one_dim, 1, step));
    add_node(&o.graph,
             node("Slice", NAMES("x", "s", "e", "a", "t"), NAMES("y")));
    ASSERT_OK(run(&o, "y", &out, err));
    assert_int_equal(out.shape.dim[1], 3);
    const float *y = out.data;
    assert_true(y[0] == 5 && y[1] == 3 && y[2] == 1 && y[3] == 11);
    wf__tensor_free(&out);
}

static void test_check(void **state)
{
    static const struct {
        const char *op, *attr;
        wf_status status;
        const char *part;
    } cases[] = {
        {"Frobnicate", NULL, WF_EOPERATOR,
         "node 'Frobnicate#0': operator 'Frobnicate' (opset 13)"},
        {"Relu", "slope", WF_EOPERATOR, "attribute 'slope' is not supported"},
        {"Conv", NULL, WF_EONNX, "1 inputs, expected 2 to 3"},
        {"LayerNormalization", NULL, WF_EOPERATOR,
         "opset 13 is not supported, 17 to 21 are"},
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        one o = start(1, 4, 0, 0);
        wf__tensor out;
        writer n = node(cases[i].op, NAMES("x"), NAMES("y"));
        if (cases[i].attr)
            add_attr(&n, attr_int(cases[i].attr, 1));
        add_node(&o.graph, n);
        ASSERT_FAILS(run(&o, "y", &out, err), cases[i].status, cases[i].part);
    }
}

static void test_half(void **state)
{
    static const struct {
        uint16_t bits;
        double value;
    } known[] = {{0x3c00, 1},
                 {0xc000, -2},
                 {0x7bff, 65504},
                 {0x0001, 0x1p-24},
                 {0x03ff, 1023 * 0x1p-24},
                 {0x3555, 0.333251953125}};
    uint16_t bits;
    wf__tensor t = {WF__F16, {0}, &bits};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        bits = known[i].bits;
        assert_true(wf__load(&t, 0) == known[i].value);
        bits = 0;
        wf__store(&t, 0, known[i].value);
        assert_int_equal(bits, known[i].bits);
    }
    wf__store(&t, 0, 1e9);
    assert_int_equal(bits, 0x7c00);
    wf__store(&t, 0, 2049.0); /* halfway: to even */
    assert_int_equal(bits, 0x6800);
}

/* doc/operators.md names every row, and nothing that is no row. */
static void test_documented(void **state)
{
    char path[4096], line[256], name[64];
    int listed = 0, rows = 0;
    (void)state;
    snprintf(path, sizeof(path), "%s/doc/operators.md",
             getenv("WF_SOURCE_DIR"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "| `%63[A-Za-z0-9]`", name) == 1) {
            if (!wf__op_find(name))
                fail_msg("'%s' is documented but is no operator", name);
            listed++;
        }
    fclose(file);
    while (wf__op_get((size_t)rows))
        rows++;
    assert_int_equal(listed, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_numbers),
        cmocka_unit_test(test_slice_extremes),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_half),
        cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
