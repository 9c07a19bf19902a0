#include "testing.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "figure/figure.h"

#define SIDE 56

static wf_image *make_crop(void)
{
    wf_image *crop;
    ASSERT_OK(wf__image_create(SIDE, SIDE, NULL, &crop, err));
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        crop->pixels[i] = (uint8_t)(i * 7);
    return crop;
}

static double lightness(const uint8_t rgb[3])
{
    double linear[3];
    for (int c = 0; c < 3; c++) {
        double v = rgb[c] / 255.0;
        linear[c] = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
    }
    return cbrt(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]);
}

/* The default and cubehelix rise in lightness without a step back; jet, which
 * misleads, does not. */
static void test_colormaps(void **state)
{
    (void)state;
    for (int m = 0; wf_colormap_name((size_t)m); m++) {
        double last = -1;
        int back = 0;
        for (int i = 0; i <= 100; i++) {
            uint8_t rgb[3];
            wf__colormap_colour(m, (float)i / 100, rgb);
            double l = lightness(rgb);
            back += l < last - 0.004;
            last = l;
        }
        bool jet = !strcmp(wf_colormap_name((size_t)m), "jet");
        if (jet ? back == 0 : back > 0)
            fail_msg("%s: %d steps back", wf_colormap_name((size_t)m), back);
    }
    int index;
    ASSERT_OK(wf__colormap_find(NULL, &index, err));
    assert_int_equal(index, 0);
    ASSERT_FAILS(wf__colormap_find("rainbow", &index, err), WF_EINVAL,
                 "no colour map 'rainbow'");
}

static void test_overlay(void **state)
{
    wf_image *crop = make_crop(), *out;
    float map[SIDE * SIDE];
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        map[i] = (float)i;
    map[5] = NAN;
    ASSERT_OK(wf__overlay(crop, map, 0, SIDE * SIDE - 1, 0, 1, &out, err));
    /* The highest value has the map's last colour, NaN the crop's grey. */
    uint8_t top[3];
    wf__colormap_colour(0, 1, top);
    assert_memory_equal(out->pixels + 3 * (SIDE * SIDE - 1), top, 3);
    assert_true(out->pixels[15] == out->pixels[16] &&
                out->pixels[16] == out->pixels[17]);
    wf_image_free(out);
    /* Without the crop, its grey does not show. */
    ASSERT_OK(wf__plane(map, SIDE, SIDE, 0, SIDE * SIDE - 1, 0, &out, err));
    assert_memory_equal(out->pixels + 3 * (SIDE * SIDE - 1), top, 3);
    wf__colormap_colour(0, 0, top);
    assert_memory_equal(out->pixels, top, 3);
    wf_image_free(out);
    wf_image_free(crop);
}

static void save_all(const wf__figure *figure, const char *stem)
{
    static const struct {
        const char *ending, *start;
    } kinds[] = {{"png", "\x89PNG"}, {"svg", "<?xml"}, {"pdf", "%PDF"}};
    for (int k = 0; k < 3; k++) {
        char path[100], start[8] = "";
        snprintf(path, sizeof(path), "%s.%s", stem, kinds[k].ending);
        ASSERT_OK(wf__figure_draw(figure, path, err));
        FILE *file = fopen(path, "rb");
        assert_int_equal(fread(start, 1, 5, file), 5);
        fclose(file);
        assert_memory_equal(start, kinds[k].start, strlen(kinds[k].start));
        if (k == 1) {
            char command[200];
            snprintf(command, sizeof(command),
                     "! command -v xmllint >/dev/null || xmllint --noout %s",
                     path);
            assert_int_equal(system(command), 0);
        }
        unlink(path);
    }
}

static void test_figures(void **state)
{
    wf_image *crop = make_crop();
    float map[SIDE * SIDE] = {0};
    char stem[64], longest[400];
    wf_figure_opts opts;
    (void)state;
    memset(longest, 'W', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    wf_figure_opts_init(&opts);
    opts.threshold_source = "<a & b> \"c\" \xc3\xa4";
    opts.footer = longest;
    wf__layer layer = {crop, map, longest};
    wf__figure figure = {.n_pairs = 2,
                         .pairs = {{layer, layer, "mate", 0.5},
                                   {layer, layer, "non-mate", -0.1}},
                         .low = 0,
                         .high = 0, /* a map without any contrast */
                         .difference = map,
                         .opts = &opts};
    snprintf(stem, sizeof(stem), "/tmp/wf-test-%d", (int)getpid());
    save_all(&figure, stem);
    figure.domain = WF_DOMAIN_FREQUENCY;
    save_all(&figure, stem);
    figure.domain = WF_DOMAIN_SPATIAL;
    map[7] = NAN;
    opts.threshold = 0.25;
    figure.n_pairs = 1;
    figure.difference = NULL;
    figure.high = 1;
    save_all(&figure, stem);
    ASSERT_FAILS(wf__figure_draw(&figure, "x.gif", err), WF_EINVAL,
                 "must end in .png, .svg or .pdf");
    ASSERT_FAILS(wf__figure_draw(&figure, "/nonexistent/x.png", err), WF_EIO,
                 "/nonexistent/x.png");
    opts.opacity = 2;
    ASSERT_FAILS(wf__figure_draw(&figure, "x.png", err), WF_EINVAL, "opacity");
    wf_image_free(crop);
}

static void test_panels(void **state)
{
    wf_image *crop = make_crop(), *sheet;
    wf_map *map, *small;
    const char *const path = "/tmp/wf-test-panels.png";
    (void)state;
    ASSERT_OK(wf_map_create(NULL, SIDE, SIDE, &map, err));
    ASSERT_OK(wf_map_create(NULL, 2, 2, &small, err));
    wf_panel panels[4] = {{crop, NULL, "crop"},
                          {crop, map, "a caption that is far too long to fit"},
                          {NULL, NULL, NULL},
                          {crop, map, NULL}};
    ASSERT_OK(wf_figure_panels(panels, 4, 2, NULL, path, err));
    ASSERT_OK(wf_image_load(path, &sheet, err));
    assert_int_equal(unlink(path), 0);
    /* Two columns and two rows of 104 points, two pixels a point. */
    assert_int_equal(sheet->width, 2 * (2 * 14 + 2 * 104 + 8));
    assert_int_equal(sheet->height, 2 * (2 * 14 + 2 * (104 + 16)));
    /* The empty panel is as white as the margin. */
    const uint8_t *empty = sheet->pixels + 3 * (350 * sheet->width + 100);
    assert_int_equal(empty[0] + empty[1] + empty[2], 3 * 255);
    wf_image_free(sheet);
    /* A footer of 60 letters takes two lines beneath, of 12 points each. */
    wf_figure_opts opts;
    wf_figure_opts_init(&opts);
    opts.footer =
        "words of the footer that do not fit into one line of a sheet";
    ASSERT_OK(wf_figure_panels(panels, 4, 2, &opts, path, err));
    ASSERT_OK(wf_image_load(path, &sheet, err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sheet->height, 2 * (2 * 14 + 2 * (104 + 16) + 2 * 12));
    wf_image_free(sheet);
    panels[1].map = small;
    ASSERT_FAILS(wf_figure_panels(panels, 4, 2, NULL, path, err), WF_ESHAPE,
                 "2 x 2 values");
    ASSERT_FAILS(wf_figure_panels(panels, 0, 2, NULL, path, err), WF_EINVAL,
                 "0 panels");
    ASSERT_FAILS(wf_figure_panels(panels, 4, 61, NULL, path, err), WF_EINVAL,
                 "rows of 61");
    wf_map_free(map);
    wf_map_free(small);
    wf_image_free(crop);
}

static void test_faces(void **state)
{
    wf_image *crop = make_crop(), *out;
    wf_face face = {.x = 10, .y = 20, .width = 20, .height = 20};
    (void)state;
    ASSERT_OK(wf_figure_faces(crop, &face, 1, &out, err));
    assert_int_equal(out->width, SIDE);
    /* The box is drawn, the rest is the photo. */
    const uint8_t *edge = out->pixels + 3 * (30 * SIDE + 10);
    assert_true(edge[0] > 200 && edge[1] > 150 && edge[2] < 120);
    assert_memory_equal(out->pixels + 3 * 50 * SIDE,
                        crop->pixels + 3 * 50 * SIDE, 3 * 6);
    wf_image_free(out);
    wf_image_free(crop);
}

static void test_plot(void **state)
{
    const double x[] = {10, 100, 1000}, y[] = {0.5, NAN, 0.2},
                 low[] = {0.4, NAN, 0.1}, high[] = {0.6, NAN, 0.3};
    const double zero[] = {0, 1, 2};
    const wf_series series[] = {{"<a & b>", 3, x, y, low, high, 0},
                                {"reference", 3, x, y, NULL, NULL, 1}};
    const wf_series bad = {"at zero", 3, zero, y, NULL, NULL, 0};
    const char *path = "wf-test-plot.svg";
    char text[60000];
    wf_plot_opts opts;
    (void)state;
    wf_plot_opts_init(&opts);
    opts.title = "title";
    opts.log_x = 1;
    for (opts.at_ends = 0; opts.at_ends < 2; opts.at_ends++) {
        ASSERT_OK(wf_plot(series, 2, &opts, path, err));
        FILE *file = fopen(path, "rb");
        size_t size = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
        unlink(path);
        text[size] = '\0';
        assert_non_null(strstr(text, "<svg"));
        if (!opts.at_ends) /* in the legend: the points are too far apart */
            assert_non_null(strstr(text, "stroke-dasharray"));
        assert_null(strstr(text, "nan"));
    }
    ASSERT_OK(wf_plot(NULL, 0, NULL, path, err));
    unlink(path);
    ASSERT_FAILS(wf_plot(&bad, 1, &opts, path, err), WF_EINVAL, "'at zero'");
    ASSERT_FAILS(wf_plot(series, 65, &opts, path, err), WF_ELIMIT, "64");
    opts.struct_size = 0;
    ASSERT_FAILS(wf_plot(series, 2, &opts, path, err), WF_EINVAL,
                 "wf_plot_opts_init");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colormaps), cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_figures),   cmocka_unit_test(test_panels),
        cmocka_unit_test(test_faces),     cmocka_unit_test(test_plot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
