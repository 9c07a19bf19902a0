/* Means over pairs of what the tests of 'whyface sanity' found. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sanity.h"
#include "cli/table.h"

/* ---- results of many pairs to one ----------------------------------------
 */

static json_t *mean_of(const json_t *const *nodes, size_t n, uint64_t seed)
{
    wf_interval v = {NAN, NAN, NAN, 0};
    wf_error err = {0};
    double *values = malloc(n * sizeof(*values));
    for (size_t i = 0; values && i < n; i++)
        values[i] = json_is_real(nodes[i]) ? json_real_value(nodes[i]) : NAN;
    wf_status st = values ? wf_bootstrap_mean(values, n, SANITY_CONFIDENCE,
                                              SANITY_RESAMPLES, seed, &v, &err)
                          : WF_ENOMEM;
    free(values);
    return st == WF_OK
               ? json_pack("{s:o s:o s:o s:I}", "mean", app_number(v.mean),
                           "low", app_number(v.low), "high", app_number(v.high),
                           "n", (json_int_t)v.n)
               : NULL;
}

json_t *sanity_means(const json_t *const *nodes, size_t n, uint64_t seed)
{
    const json_t **parts = calloc(n, sizeof(*parts));
    json_t *out = NULL;
    const char *key;
    json_t *value;
    size_t index;
    int numbers = 0;
    for (size_t i = 0; i < n; i++)
        numbers |= json_is_real(nodes[i]) || json_is_null(nodes[i]);
    if (!parts) {
        return NULL;
    } else if (numbers) {
        out = mean_of(nodes, n, seed);
    } else if (json_is_object(nodes[0])) {
        out = json_object();
        json_object_foreach((json_t *)nodes[0], key, value)
        {
            for (size_t i = 0; i < n; i++)
                parts[i] = json_object_get(nodes[i], key);
            json_object_set_new(out, key, sanity_means(parts, n, seed));
        }
    } else if (json_is_array(nodes[0])) {
        out = json_array();
        json_array_foreach(nodes[0], index, value)
        {
            for (size_t i = 0; i < n; i++)
                parts[i] = json_array_get(nodes[i], index);
            json_array_append_new(out, sanity_means(parts, n, seed));
        }
    } else { /* a text or a whole number: the same for all pairs */
        out = json_deep_copy(nodes[0]);
    }
    free(parts);
    return out;
}

/* ---- tables --------------------------------------------------------------
 */

typedef struct column {
    const char *head, *path; /* of keys and indices, from the row */
} column;

static const column likeness[] = {
    {"similarity", "similarity"},      {"Pearson", "likeness/pearson"},
    {"Spearman", "likeness/spearman"}, {"SSIM", "likeness/ssim"},
    {"top 10 %", "likeness/top"},      {0}};
static const column hiding[] = {{"hidden at change", "hidden"},
                                {"similarity, 50 % hidden", "at/0/similarity"},
                                {"70 %", "at/1/similarity"},
                                {"80 %", "at/2/similarity"},
                                {"90 %", "at/3/similarity"},
                                {"95 %", "at/4/similarity"},
                                {0}};
static const column regions[] = {
    {"area", "before/area"}, {"positive values, before", "before/mass"},
    {"after", "after/mass"}, {"top 10 %, before", "before/top"},
    {"after", "after/top"},  {0}};

static const struct {
    const char *test;
    const column *columns;
} kinds[] = {{"model", likeness},
             {"stability", likeness + 1},
             {"hiding", hiding},
             {"patch", regions},
             {"occlusion", regions}};

static const json_t *at_path(const json_t *node, const char *path)
{
    while (*path && node) {
        char key[32];
        size_t length = strcspn(path, "/");
        snprintf(key, sizeof(key), "%.*s", (int)length, path);
        node = json_is_array(node)
                   ? json_array_get(node, strtoul(key, NULL, 10))
                   : json_object_get(node, key);
        path += length + (path[length] == '/');
    }
    return node;
}

static void put_mean(char cell[96], const json_t *v)
{
    double mean = json_number_value(json_object_get(v, "mean"));
    json_int_t n = json_integer_value(json_object_get(v, "n"));
    snprintf(cell, 96, "-");
    if (n == 1)
        snprintf(cell, 96, "%.3f", mean);
    else if (n > 1)
        snprintf(cell, 96, "%.3f [%.3f, %.3f]", mean,
                 json_number_value(json_object_get(v, "low")),
                 json_number_value(json_object_get(v, "high")));
}

/* "probe for the mate: random map" */
static void put_name(char cell[96], const json_t *row)
{
    const char *map = json_string_value(json_object_get(row, "map"));
    const char *line = json_string_value(json_object_get(row, "line"));
    line += strspn(line, " ");
    if (map && strcmp(map, line))
        snprintf(cell, 96, "%s: %s", map, line);
    else
        snprintf(cell, 96, "%s", line);
}

static int print_rows(const sanity *s, const char *title, const json_t *rows,
                      const column *columns)
{
    cli_table t = {.format = s->format, .n_columns = 1};
    size_t index;
    json_t *row;
    snprintf(t.title, sizeof(t.title), "%s", title);
    char(*cells)[96] = cli_table_row(&t);
    for (; cells && columns[t.n_columns - 1].head; t.n_columns++)
        snprintf(cells[t.n_columns], 96, "%s", columns[t.n_columns - 1].head);
    json_array_foreach(rows, index, row)
    {
        if (!cells || !(cells = cli_table_row(&t)))
            break;
        put_name(cells[0], row);
        for (size_t c = 1; c < t.n_columns; c++)
            put_mean(cells[c], at_path(row, columns[c - 1].path));
    }
    if (cells)
        cli_table_print(&t);
    else
        app_error(s->command, "out of memory");
    free(t.cells);
    return cells ? APP_OK : APP_FAILED;
}

/* A change of the picture: its name and the similarities go into the title. */
static int print_change(const sanity *s, const char *test, const json_t *change,
                        const column *columns)
{
    char title[200], before[96], after[96];
    put_mean(before, at_path(change, "similarity/0"));
    put_mean(after, at_path(change, "similarity/1"));
    snprintf(title, sizeof(title), "%s, %s: similarity %s before, %s after",
             test, json_string_value(json_object_get(change, "region")), before,
             after);
    return print_rows(s, title, json_object_get(change, "lines"), columns);
}

/* A test's result: rows, changes, or groups of rows by name. */
static int print_result(const sanity *s, const char *test, const json_t *node,
                        const column *columns)
{
    const char *key;
    json_t *value;
    size_t index;
    int status = APP_OK;
    if (json_is_array(node) && at_path(node, "0/line"))
        return print_rows(s, test, node, columns);
    json_array_foreach(node, index, value)
    {
        if (status == APP_OK)
            status = print_change(s, test, value, columns);
    }
    json_object_foreach((json_t *)node, key, value)
    {
        char title[96];
        if (!json_is_array(value) || status != APP_OK)
            continue;
        snprintf(title, sizeof(title), "%s, %s", test, key);
        status =
            print_rows(s, strcmp(key, "lines") ? title : test, value, columns);
    }
    return status;
}

int sanity_print_means(const sanity *s, const json_t *means)
{
    int status = APP_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const json_t *node = json_object_get(means, kinds[i].test);
        if (node && status == APP_OK)
            status = print_result(s, kinds[i].test, node, kinds[i].columns);
    }
    return status;
}
