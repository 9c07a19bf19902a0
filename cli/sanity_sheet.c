/* The panels that the tests of 'whyface sanity' draw, row by row. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/method.h"
#include "app/result.h"
#include "cli/sanity.h"

typedef struct panel {
    wf_image *crop;
    wf_map *map;
    char caption[64];
    size_t row;
} panel;

struct sanity_sheet {
    panel *panels;
    size_t n, row;
};

struct sanity_sheet *sanity_sheet_new(void)
{
    return calloc(1, sizeof(struct sanity_sheet));
}

void sanity_sheet_free(struct sanity_sheet *sheet)
{
    for (size_t i = 0; sheet && i < sheet->n; i++) {
        wf_image_free(sheet->panels[i].crop);
        wf_map_free(sheet->panels[i].map);
    }
    if (sheet)
        free(sheet->panels);
    free(sheet);
}

void sanity_next_row(sanity *s)
{
    struct sanity_sheet *sheet = s->sheet;
    if (sheet && sheet->n && sheet->panels[sheet->n - 1].row == sheet->row)
        sheet->row++;
}

int sanity_draw(sanity *s, const wf_image *crop, const wf_map *map,
                const char *format, ...)
{
    struct sanity_sheet *sheet = s->sheet;
    wf_error err = {0};
    va_list list;
    if (!sheet)
        return APP_OK;
    panel *more = realloc(sheet->panels, (sheet->n + 1) * sizeof(*more));
    if (!more) {
        app_error(s->command, "out of memory for a figure");
        return APP_FAILED;
    }
    sheet->panels = more;
    panel *p = &sheet->panels[sheet->n++];
    *p = (panel){.row = sheet->row};
    va_start(list, format);
    vsnprintf(p->caption, sizeof(p->caption), format, list);
    va_end(list);
    int width = wf_image_width(crop), height = wf_image_height(crop);
    if (wf_image_from_pixels(wf_image_pixels(crop), width, height, 3, 0,
                             &p->crop, &err) ||
        (map &&
         wf_map_create(wf_map_values(map), width, height, &p->map, &err)))
        return app_fail(s->command, &err);
    return APP_OK;
}

/* Panels and the empty places that fill every row to the longest. */
static wf_panel *lay_out(const struct sanity_sheet *sheet, size_t *n,
                         size_t *columns)
{
    size_t length = 0;
    *columns = 0;
    for (size_t i = 0; i < sheet->n; i++) {
        length = i && sheet->panels[i].row == sheet->panels[i - 1].row
                     ? length + 1
                     : 1;
        *columns = length > *columns ? length : *columns;
    }
    *n = (sheet->panels[sheet->n - 1].row + 1) * *columns;
    wf_panel *panels = calloc(*n, sizeof(*panels));
    for (size_t i = 0, column = 0; panels && i < sheet->n; i++, column++) {
        const panel *p = &sheet->panels[i];
        if (i && p->row != sheet->panels[i - 1].row)
            column = 0;
        panels[p->row * *columns + column] =
            (wf_panel){p->crop, p->map, p->caption};
    }
    return panels;
}

int sanity_sheet_save(const sanity *s, const char *path)
{
    size_t n, columns;
    char footer[400], method[160];
    wf_figure_opts opts;
    wf_error err = {0};
    const wf_model_info *info = wf_model_get_info(s->session.model);
    if (!s->sheet->n)
        return APP_OK;
    wf_panel *panels = lay_out(s->sheet, &n, &columns);
    if (!panels) {
        app_error(s->command, "out of memory for a figure");
        return APP_FAILED;
    }
    app_method_describe(s->options, method, sizeof(method));
    snprintf(footer, sizeof(footer),
             "whyface %s, model %s (sha256 %.12s), %s; each map on its own "
             "range",
             wf_version(), info->name, info->sha256, method);
    wf_figure_opts_init(&opts);
    opts.footer = footer;
    wf_status st = wf_figure_panels(panels, n, columns, &opts, path, &err);
    free(panels);
    return st == WF_OK ? APP_OK : app_fail(s->command, &err);
}
