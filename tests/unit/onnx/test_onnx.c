/* Files to graphs: real models, and everything that must be refused. */
#include "testing.h"

#include "base/fileio.h"
#include "base/memory.h"
#include "onnx/graph.h"
#include "onnx_writer.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const int64_t any[4] = {-1, 3, 8, 8};

/* x -> Relu -> y, with room for what a test adds first. */
static writer finish(writer *graph)
{
    add_input(graph, value_info("x", any, 4));
    add_output(graph, value_info("y", any, 4));
    return model(graph, 13);
}

static void refuses(writer m, wf_status status, const char *part)
{
    wf__graph *graph;
    ASSERT_FAILS(wf__graph_parse(m.data, m.size, "t.onnx", &graph, err), status,
                 part);
    writer_free(&m);
}

static void test_real_models(void **state)
{
    static const struct {
        const char *file;
        int nodes, inputs, outputs, opset;
    } known[] = {
        {"models/mobilefacenet_arcface_128.onnx", 163, 1, 1, 18},
        {"models/mtcnn_pnet.onnx", 12, 1, 2, 11},
        {"models/face_detection_yunet_2026may.onnx", 106, 1, 12, 11},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        wf__graph *g;
        ASSERT_OK(wf__graph_load(SHARED_FILE(known[i].file), &g, err));
        assert_int_equal(g->n_nodes, known[i].nodes);
        assert_int_equal(g->n_inputs, known[i].inputs);
        assert_int_equal(g->n_outputs, known[i].outputs);
        assert_int_equal(g->opset, known[i].opset);
        for (int n = 0; n < g->n_nodes; n++)
            for (int k = 0; k < g->nodes[n].n_inputs; k++)
                if (g->nodes[n].inputs[k] >= 0)
                    assert_true(g->values[g->nodes[n].inputs[k]].producer < n);
        wf__graph_free(g);
    }
}

/* No prefix of a model is a model, and none does harm. */
static void test_truncated(void **state)
{
    wf__bytes bytes;
    wf__graph *graph;
    (void)state;
    ASSERT_OK(wf__bytes_open(SHARED_FILE("models/mtcnn_rnet.onnx"), "model",
                             1 << 30, &bytes, err));
    for (size_t size = 0; size < bytes.size; size += size < 3000 ? 1 : 997) {
        wf_error err = {0};
        /* A copy of just that size, so that reading beyond it shows. */
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, bytes.data, size);
        assert_int_not_equal(
            wf__graph_parse(copy, size, "t.onnx", &graph, &err), WF_OK);
        assert_non_null(strstr(err.message, "t.onnx"));
        free(copy);
    }
    wf__bytes_close(&bytes);
}

static void test_order(void **state)
{
    writer g = {0};
    wf__graph *graph;
    (void)state;
    add_node(&g, node("Relu", NAMES("b"), NAMES("y")));
    add_node(&g, node("Relu", NAMES("a"), NAMES("b")));
    add_node(&g, node("Abs", NAMES("x"), NAMES("a")));
    writer m = finish(&g);
    ASSERT_OK(wf__graph_parse(m.data, m.size, "t.onnx", &graph, err));
    assert_string_equal(graph->nodes[0].op, "Abs");
    assert_string_equal(graph->nodes[0].name, "Abs#2");
    assert_string_equal(graph->values[graph->nodes[2].outputs[0]].name, "y");
    assert_int_equal(graph->values[graph->inputs[0]].shape.dim[0], -1);
    wf__graph_free(graph);
    writer_free(&m);
}

static void test_refusals(void **state)
{
    static const int64_t huge[2] = {INT64_C(1) << 40, INT64_C(1) << 40};
    static const int64_t negative[1] = {-4}, three[1] = {3}, none[1] = {0};
    static const float floats[3] = {1, 2, 3};
    (void)state;
    writer g = {0};
    add_node(&g, node("Relu", NAMES("b"), NAMES("y")));
    add_node(&g, node("Relu", NAMES("y"), NAMES("b")));
    refuses(finish(&g), WF_EONNX, "is part of a cycle");

    g = (writer){0};
    add_node(&g, node("Relu", NAMES("nowhere"), NAMES("y")));
    refuses(finish(&g), WF_EONNX, "reads 'nowhere', which nothing defines");

    g = (writer){0};
    add_node(&g, node("Relu", NAMES("x"), NAMES("y")));
    add_node(&g, node("Abs", NAMES("x"), NAMES("y")));
    refuses(finish(&g), WF_EONNX, "defines the value 'y' twice");

    g = (writer){0};
    add_initializer(&g, tensor_floats("w", none, 1, floats));
    add_node(&g, node("Relu", NAMES("x"), NAMES("y")));
    writer t = {0};
    put_varint(&t, 1, (uint64_t)huge[0]);
    put_varint(&t, 1, (uint64_t)huge[1]);
    put_varint(&t, 2, 1);
    put_text(&t, 8, "h");
    add_initializer(&g, t);
    refuses(finish(&g), WF_ELIMIT, "initializer 'h'");

    g = (writer){0};
    t = (writer){0};
    put_varint(&t, 1, (uint64_t)negative[0]);
    put_varint(&t, 2, 1);
    put_text(&t, 8, "n");
    add_initializer(&g, t);
    refuses(finish(&g), WF_ESHAPE, "initializer 'n'");

    g = (writer){0};
    t = (writer){0};
    put_varint(&t, 1, (uint64_t)three[0]);
    put_varint(&t, 2, 1);
    put_text(&t, 8, "s");
    put_bytes(&t, 9, floats, 8);
    add_initializer(&g, t);
    refuses(finish(&g), WF_EONNX, "initializer 's' needs 12 bytes and has 8");

    g = (writer){0};
    t = (writer){0};
    put_varint(&t, 1, 3);
    put_varint(&t, 2, 1);
    put_text(&t, 8, "e");
    put_varint(&t, 14, 1);
    add_initializer(&g, t);
    refuses(finish(&g), WF_EUNSUPPORTED, "save it as one file");

    g = (writer){0};
    writer n = node("Foo", NAMES("x"), NAMES("y"));
    put_text(&n, 7, "com.example");
    add_node(&g, n);
    refuses(finish(&g), WF_EOPERATOR,
            "operator 'Foo' of the domain 'com.example'");

    g = (writer){0};
    n = node("If", NAMES("x"), NAMES("y"));
    writer branch = {0};
    put_text(&branch, 1, "then_branch");
    put_varint(&branch, 20, 5);
    add_attr(&n, branch);
    add_node(&g, n);
    refuses(finish(&g), WF_EOPERATOR, "a graph of its own");
}

static void test_not_models(void **state)
{
    static const struct {
        const char *data, *part;
    } cases[] = {{"", "is empty"},
                 {"<html>", "HTML"},
                 {"version https://git-lfs.github.com/spec/v1", "Git LFS"},
                 {"PK\3\4rest", "PyTorch"},
                 {"\xff\xff\xff\xff\xff", "not a whole ONNX file"}};
    wf__graph *graph;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        ASSERT_FAILS(wf__graph_parse(cases[i].data, strlen(cases[i].data),
                                     "t.onnx", &graph, err),
                     WF_EONNX, cases[i].part);
    writer empty = {0};
    put_varint(&empty, 1, 8);
    refuses(empty, WF_EONNX, "holds no graph");
}

/* Wide and deep files are told by counting, not by running out. */
static void test_hostile_size(void **state)
{
    writer g = {0};
    (void)state;
    for (int i = 0; i < 1000000; i++)
        put_bytes(&g, 1, "", 0);
    refuses(finish(&g), WF_ELIMIT, "1000000 nodes, over the limit");

    /* Graphs in attributes of nodes in graphs, 200 deep. */
    writer inner = {0};
    for (int depth = 0; depth < 200; depth++) {
        writer attr = {0}, n = {0}, outer = {0};
        put_message(&attr, 6, &inner);
        put_message(&n, 5, &attr);
        put_message(&outer, 1, &n);
        inner = outer;
    }
    refuses(finish(&inner), WF_ELIMIT, "nests messages more than");
}

static void test_memory_failures(void **state)
{
    (void)state;
    wf__bytes bytes;
    ASSERT_OK(wf__bytes_open(SHARED_FILE("models/mtcnn_pnet.onnx"), "model",
                             1 << 30, &bytes, err));
    int failures = 0;
    for (unsigned long n = 1; n < 10000; n++) {
        wf__graph *graph = NULL;
        wf_error err = {0};
        wf__alloc_fail_at(n);
        wf_status st =
            wf__graph_parse(bytes.data, bytes.size, "t.onnx", &graph, &err);
        wf__alloc_fail_at(0);
        if (st == WF_OK) {
            wf__graph_free(graph);
            break;
        }
        assert_int_equal(st, WF_ENOMEM);
        failures++;
    }
    assert_true(failures > 50 && failures < 9000);
    wf__bytes_close(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_not_models),
        cmocka_unit_test(test_hostile_size),
        cmocka_unit_test(test_real_models),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_memory_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
