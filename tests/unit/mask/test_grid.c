#include "testing.h"

#include <math.h>

#include "mask/grid.h"

/* Two cells over four pixels: centres at 0.5 and 2.5 of the pixels' 0..3. */
static void test_two_cells(void **state)
{
    static const float cells[] = {0, 1}, want[] = {0, 0.25f, 0.75f, 1};
    wf__grid g = {.x = {.side = 3, .cells = 2, .span = 4, .shifts = 2},
                  .y = {.side = 1, .cells = 1, .span = 1, .shifts = 1}};
    float mask[3];
    (void)state;
    ASSERT_OK(wf__grid_init(&g, err));
    for (int shift = 0; shift < 2; shift++) {
        wf__grid_render(&g, cells, shift, 0, mask);
        for (int i = 0; i < 3; i++)
            assert_true(mask[i] == want[shift + i]);
    }
    wf__grid_free(&g);
}

/* Bilinear between the cells' centres, from a formula for the whole plane. */
static void test_plane(void **state)
{
    enum { W = 21, H = 17, COLUMNS = 5, ROWS = 3 };
    float cells[ROWS * COLUMNS], mask[H * W];
    wf__grid g = {
        .x = {.side = W, .cells = COLUMNS, .span = 30, .shifts = 5},
        .y = {.side = H, .cells = ROWS, .span = 24, .shifts = 8},
    };
    (void)state;
    for (int k = 0; k < ROWS * COLUMNS; k++)
        cells[k] = (float)((k % COLUMNS) * 7 - (k / COLUMNS) * 3);
    ASSERT_OK(wf__grid_init(&g, err));
    wf__grid_render(&g, cells, 4, 7, mask);
    for (int i = 0; i < W * H; i++) {
        double x = (i % W + 4 + 0.5) / 6 - 0.5, y = (i / W + 7 + 0.5) / 8 - 0.5;
        double want =
            fmin(fmax(x, 0), COLUMNS - 1) * 7 - fmin(fmax(y, 0), ROWS - 1) * 3;
        assert_true(fabs(mask[i] - want) < 1e-5);
    }
    wf__grid_free(&g);
}

static void test_refusals(void **state)
{
    wf__grid g = {.x = {.side = 8, .cells = 65, .span = 16, .shifts = 2},
                  .y = {.side = 8, .cells = 2, .span = 16, .shifts = 2}};
    (void)state;
    ASSERT_FAILS(wf__grid_init(&g, err), WF_EINVAL, "1 to 64 cells");
    wf__grid_free(&g);
    g.x.cells = 2;
    g.x.shifts = 10;
    ASSERT_FAILS(wf__grid_init(&g, err), WF_EINVAL, "no 10 crops of 8 pixels");
    wf__grid_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_cells),
                                       cmocka_unit_test(test_plane),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
