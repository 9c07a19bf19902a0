#include "testing.h"

#include <unistd.h>

#include "map/map.h"

static void parse(const char *header, const void *values, size_t bytes,
                  wf_status expected, const char *part, float want)
{
    uint8_t file[512] = "\x93NUMPY\1";
    size_t n = strlen(header);
    wf_map *map = NULL;
    file[8] = (uint8_t)n;
    memcpy(file + 10, header, n);
    memcpy(file + 10 + n, values, bytes);
    if (expected != WF_OK) {
        ASSERT_FAILS(wf__map_parse(file, 10 + n + bytes, "m.npy", &map, err),
                     expected, part);
        return;
    }
    ASSERT_OK(wf__map_parse(file, 10 + n + bytes, "m.npy", &map, err));
    assert_int_equal(wf_map_width(map), 3);
    assert_int_equal(wf_map_height(map), 2);
    assert_true(wf_map_values(map)[1] == want);
    wf_map_free(map);
}

static void test_parse(void **state)
{
    static const float f4[6] = {0, 1, 2, 3, 4, 5};
    static const double f8[6] = {0, 1, 2, 3, 4, 5};
    static const uint8_t big[24] = {0, 0, 0, 0, 0x3f, 0x80};
    (void)state;
    parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", f4, 24,
          WF_OK, NULL, 1);
    parse("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", f8, 48,
          WF_OK, NULL, 1);
    parse("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", f4, 24,
          WF_OK, NULL, 2);
    parse("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", big,
          24, WF_OK, NULL, 1);
    parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", f4, 23,
          WF_EMAP, "is truncated", 0);
    parse("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }", f4, 24,
          WF_EMAP, "float32 or float64", 0);
    parse("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", f4, 24,
          WF_EMAP, "two dimensions", 0);
    parse("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", f4,
          24, WF_EMAP, "not supported", 0);
    parse("{'descr': '<f4', 'shape': (2, 3), }", f4, 24, WF_EMAP,
          "not a valid .npy", 0);
}

/* What we write, NumPy reads, and the other way round. */
static void test_numpy(void **state)
{
    char path[64], command[512];
    float values[6] = {0.5f, -1, 2, 3, 4, 1e-7f};
    wf_map *map, *back;
    (void)state;
    if (system("/usr/bin/python3 -c 'import numpy' 2>/dev/null")) {
        fprintf(stderr, "SKIPPED: NumPy (python3-numpy) is not installed\n");
        exit(77);
    }
    snprintf(path, sizeof(path), "/tmp/wf-test-%d.npy", (int)getpid());
    ASSERT_OK(wf_map_create(values, 3, 2, &map, err));
    ASSERT_OK(wf_map_save(map, path, err));
    snprintf(command, sizeof(command),
             "/usr/bin/python3 -c \"import numpy as n; a=n.load('%s'); "
             "assert a.shape==(2,3) and a.dtype==n.float32 and a[0,1]==-1 and "
             "a[1,2]==n.float32(1e-7); n.save('%s', "
             "n.asfortranarray(a.astype('f8'))*2)\"",
             path, path);
    assert_int_equal(system(command), 0);
    ASSERT_OK(wf_map_load(path, &back, err));
    for (int i = 0; i < 6; i++)
        assert_true(wf_map_values(back)[i] == 2 * values[i]);
    wf_map_free(back);
    wf_map_free(map);
    unlink(path);
    ASSERT_FAILS(wf_map_load("/nonexistent.npy", &map, err), WF_ENOENT,
                 "'/nonexistent.npy'");
}

/* Grey PNG: brighter is more salient; a coloured one is refused. */
static void test_png(void **state)
{
    uint8_t pixels[2 * 3 * 3];
    char path[64];
    wf_image *image;
    wf_map *map;
    (void)state;
    snprintf(path, sizeof(path), "/tmp/wf-test-%d.png", (int)getpid());
    for (int i = 0; i < 18; i++)
        pixels[i] = (uint8_t)(40 * (i / 3));
    ASSERT_OK(wf_image_from_pixels(pixels, 3, 2, 3, 0, &image, err));
    ASSERT_OK(wf_image_save(image, path, err));
    wf_image_free(image);
    ASSERT_OK(wf_map_load(path, &map, err));
    assert_int_equal(wf_map_width(map), 3);
    assert_int_equal(wf_map_height(map), 2);
    for (int i = 0; i < 6; i++)
        assert_true(wf_map_values(map)[i] == (float)(40 * i));
    wf_map_free(map);
    pixels[10]++;
    ASSERT_OK(wf_image_from_pixels(pixels, 3, 2, 3, 0, &image, err));
    ASSERT_OK(wf_image_save(image, path, err));
    wf_image_free(image);
    ASSERT_FAILS(wf_map_load(path, &map, err), WF_EMAP, "is a coloured");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_numpy),
                                       cmocka_unit_test(test_png)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
