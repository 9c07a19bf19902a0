/* What is put into a report's objects. */
#include <math.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/report/parts.h"

wf_status report_no_memory(wf_error *err)
{
    *err = (wf_error){WF_ENOMEM, "out of memory for a report"};
    return err->code;
}

/* "_key": what the page shows for "key". */
static void set_shown(json_t *object, const char *key, const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "_%s", key);
    json_object_set_new(object, name, json_string(text));
}

void report_number(json_t *object, const char *key, double value, int decimals)
{
    char text[40] = "unknown";
    if (isfinite(value))
        snprintf(text, sizeof(text), "%.*f", decimals, value);
    json_object_set_new(object, key, app_number(value));
    set_shown(object, key, text);
}

void report_share(json_t *object, const char *key, double share)
{
    char text[40] = "unknown";
    if (isfinite(share))
        snprintf(text, sizeof(text), "%.*f %%", share < 0.0995 ? 1 : 0,
                 100 * share);
    json_object_set_new(object, key, app_number(share));
    set_shown(object, key, text);
}

/* A text of the report, whatever bytes it came from. */
static json_t *any_text(const char *text)
{
    json_t *value = json_string(text);
    char safe[1200];
    if (value)
        return value;
    snprintf(safe, sizeof(safe), "%s", text);
    for (char *p = safe; *p; p++)
        if (*p & 0x80)
            *p = '?';
    return json_string(safe);
}

void report_text(json_t *object, const char *key, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_object_set_new(object, key, any_text(text));
}

void report_say(json_t *list, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_array_append_new(list, any_text(text));
}

/* ---- pictures ------------------------------------------------------------ */

#define PREFIX "data:image/png;base64,"

wf_status report_picture(json_t *object, const char *key, const wf_image *image,
                         wf_error *err)
{
    size_t capacity =
        4 * (size_t)wf_image_width(image) * (size_t)wf_image_height(image) +
        4096;
    size_t size = 0;
    unsigned char *png = malloc(capacity);
    char *uri = NULL;
    if (!png)
        return report_no_memory(err);
    wf_status st = wf_image_encode(image, ".png", png, capacity, &size, err);
    if (st == WF_OK && size <= capacity)
        uri = malloc(sizeof(PREFIX) + 4 * (size / 3 + 1));
    if (uri) {
        memcpy(uri, PREFIX, sizeof(PREFIX));
        EVP_EncodeBlock((unsigned char *)uri + strlen(PREFIX), png, (int)size);
        json_object_set_new(object, key, json_string(uri));
    } else if (st == WF_OK) {
        st = report_no_memory(err);
    }
    free(uri);
    free(png);
    return st;
}

void report_size(json_t *object, const wf_image *crop)
{
    json_object_set_new(object, "_width", json_integer(wf_image_width(crop)));
    json_object_set_new(object, "_height", json_integer(wf_image_height(crop)));
}

/* Rows of pixels as thin rectangles: exact, and small after all. */
void report_outline(json_t *object, const char *key, const wf_map *region)
{
    char *path = NULL;
    size_t length = 0;
    int width = wf_map_width(region), height = wf_map_height(region);
    const float *values = wf_map_values(region);
    FILE *out = open_memstream(&path, &length);
    for (int y = 0; out && y < height; y++)
        for (int x = 0, start; x < width; x++) {
            start = x;
            while (x < width && values[y * width + x] >= 0.5f)
                x++;
            if (x > start)
                fprintf(out, "M%d %dh%dv1h-%dz", start, y, x - start,
                        x - start);
        }
    if (out && !fclose(out))
        json_object_set_new(object, key, json_string(path));
    free(path);
}

void report_polyline(json_t *object, const char *key, const double *y, size_t n,
                     double low, double high, double width, double height)
{
    char *points = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&points, &length);
    for (size_t i = 0; out && i < n; i++)
        fprintf(out, "%s%.1f,%.1f", i ? " " : "",
                width * (double)i / (double)(n - 1),
                height * (high - y[i]) / (high - low));
    if (out && !fclose(out))
        json_object_set_new(object, key, json_string(points));
    free(points);
}
