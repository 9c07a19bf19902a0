#include "app/pairs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct reader {
    const char *path, *folder;
    int line;
    app_pairs *out;
    size_t photo_capacity, pair_capacity;
    wf_error *err;
} reader;

static wf_status fail(reader *r, wf_status code, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->err->code = code;
    if (r->line)
        snprintf(r->err->message, sizeof(r->err->message),
                 "pairs '%s', line %d: %s", r->path, r->line, text);
    else
        snprintf(r->err->message, sizeof(r->err->message), "pairs '%s': %s",
                 r->path, text);
    return code;
}

static int grow(void **list, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return 1;
    size_t wanted = *capacity ? 2 * *capacity : 1024;
    void *grown = realloc(*list, wanted * size);
    if (!grown)
        return 0;
    *list = grown;
    *capacity = wanted;
    return 1;
}

/* Photos are listed as they come and made unique at the end. */
static wf_status add_photo(reader *r, const char *path, size_t *index)
{
    app_pairs *p = r->out;
    if (!grow((void **)&p->photos, p->n_photos, &r->photo_capacity,
              sizeof(*p->photos)) ||
        !(p->photos[p->n_photos] = strdup(path)))
        return fail(r, WF_ENOMEM, "out of memory");
    *index = p->n_photos++;
    return WF_OK;
}

static wf_status add_pair(reader *r, const char *a, const char *b, int mated,
                          int fold)
{
    app_pairs *p = r->out;
    size_t i = 0, j = 0;
    wf_status st = add_photo(r, a, &i);
    if (st == WF_OK)
        st = add_photo(r, b, &j);
    if (st != WF_OK)
        return st;
    if (!grow((void **)&p->pairs, p->n_pairs, &r->pair_capacity,
              sizeof(*p->pairs)))
        return fail(r, WF_ENOMEM, "out of memory");
    p->pairs[p->n_pairs].a = i;
    p->pairs[p->n_pairs].b = j;
    p->pairs[p->n_pairs].mated = (uint8_t)mated;
    p->pairs[p->n_pairs++].fold = fold;
    return WF_OK;
}

static wf_status read_lfw_line(reader *r, const char *line, size_t fold_pairs)
{
    char name[200], other[200], a[4096], b[4096];
    int i, j, end = 0;
    int mated =
        sscanf(line, "%199s %d %d %n", name, &i, &j, &end) == 3 && !line[end];
    if (!mated &&
        (sscanf(line, "%199s %d %199s %d %n", name, &i, other, &j, &end) != 4 ||
         line[end]))
        return fail(r, WF_EINVAL,
                    "expected 'NAME number number' or 'NAME number NAME "
                    "number'");
    const char *second = mated ? name : other;
    snprintf(a, sizeof(a), "%s/%s/%s_%04d.jpg", r->folder, name, name, i);
    snprintf(b, sizeof(b), "%s/%s/%s_%04d.jpg", r->folder, second, second, j);
    return add_pair(r, a, b, mated, (int)(r->out->n_pairs / fold_pairs));
}

/* 1 for yes, 0 for no, -1 for neither. */
static int parse_decision(const char *text)
{
    static const char *const words[2][4] = {{"no", "0", "false", "different"},
                                            {"yes", "1", "true", "same"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 4; i++)
            if (!strcasecmp(text, words[value][i]))
                return value;
    return -1;
}

static wf_status read_csv_line(reader *r, char *line)
{
    char a[4096], b[4096];
    char *second = strchr(line, ','),
         *decision = second ? strchr(second + 1, ',') : NULL;
    int mated = decision ? parse_decision(decision + 1) : -1;
    /* A heading: "file,file,decision", or "a,b,same", which names no files. */
    if (r->line == 1 && (mated < 0 || !strpbrk(line, "./")))
        return WF_OK;
    if (!decision)
        return fail(r, WF_EINVAL, "expected 'photo,photo,Yes' or '...,No'");
    *second++ = *decision++ = '\0';
    if (mated < 0)
        return fail(r, WF_EINVAL, "'%s' is neither Yes nor No", decision);
    snprintf(a, sizeof(a), "%s/%s", r->folder, line);
    snprintf(b, sizeof(b), "%s/%s", r->folder, second);
    return add_pair(r, a, b, mated, 0);
}

static wf_status read_lines(reader *r, FILE *file)
{
    char line[8192];
    int folds = 0, size = 0, csv = 0;
    wf_status st = WF_OK;
    while (st == WF_OK && fgets(line, sizeof(line), file)) {
        r->line++;
        line[strcspn(line, "\r\n")] = '\0';
        if (!*line)
            continue;
        if (r->line == 1) {
            csv = strchr(line, ',') != NULL;
            r->out->by_folder = !csv;
            if (!csv && (sscanf(line, "%d %d", &folds, &size) != 2 ||
                         folds < 1 || size < 1))
                return fail(r, WF_EINVAL,
                            "expected 'folds pairs', as LFW's pairs.txt "
                            "begins, or CSV");
            if (!csv)
                continue;
        }
        st = csv ? read_csv_line(r, line)
                 : read_lfw_line(r, line, 2 * (size_t)size);
    }
    if (st == WF_OK && ferror(file))
        return fail(r, WF_EIO, "cannot be read");
    for (size_t i = 0; st == WF_OK && csv && i < r->out->n_pairs; i++)
        r->out->pairs[i].fold = (int)(i * 10 / r->out->n_pairs);
    return st;
}

typedef struct entry {
    char *path;
    size_t index;
} entry;

static int by_path(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Keeps each photo once; pairs follow. */
static wf_status make_unique(reader *r)
{
    app_pairs *p = r->out;
    size_t unique = 0;
    entry *sorted = malloc((p->n_photos + 1) * sizeof(*sorted));
    size_t *place = malloc((p->n_photos + 1) * sizeof(*place));
    if (!sorted || !place) {
        free(sorted);
        free(place);
        return fail(r, WF_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < p->n_photos; i++)
        sorted[i] = (entry){p->photos[i], i};
    qsort(sorted, p->n_photos, sizeof(*sorted), by_path);
    for (size_t i = 0; i < p->n_photos; i++) {
        if (i && !strcmp(sorted[i].path, p->photos[unique - 1]))
            free(sorted[i].path);
        else
            p->photos[unique++] = sorted[i].path;
        place[sorted[i].index] = unique - 1;
    }
    for (size_t i = 0; i < p->n_pairs; i++) {
        p->pairs[i].a = place[p->pairs[i].a];
        p->pairs[i].b = place[p->pairs[i].b];
    }
    p->n_photos = unique;
    free(place);
    free(sorted);
    return WF_OK;
}

wf_status app_pairs_read(const char *path, const char *folder, app_pairs *pairs,
                         wf_error *err)
{
    char beside[4096];
    const char *slash = strrchr(path, '/');
    snprintf(beside, sizeof(beside), "%.*s", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    *pairs = (app_pairs){0};
    reader r = {.path = path,
                .folder = folder ? folder : beside,
                .out = pairs,
                .err = err};
    FILE *file = fopen(path, "r");
    if (!file)
        return fail(&r, errno == ENOENT ? WF_ENOENT : WF_EIO,
                    "cannot be opened: %s", strerror(errno));
    wf_status st = read_lines(&r, file);
    fclose(file);
    r.line = 0;
    if (st == WF_OK && pairs->n_pairs == 0)
        st = fail(&r, WF_EINVAL, "holds no pairs");
    if (st == WF_OK)
        st = make_unique(&r);
    if (st != WF_OK)
        app_pairs_free(pairs);
    return st;
}

/* The first photo of a person (union-find, paths halved). */
static size_t first_of(size_t *persons, size_t photo)
{
    while (persons[photo] != photo)
        photo = persons[photo] = persons[persons[photo]];
    return photo;
}

static void join(size_t *persons, size_t a, size_t b)
{
    a = first_of(persons, a);
    b = first_of(persons, b);
    persons[a > b ? a : b] = a > b ? b : a;
}

static int same_folder(const char *a, const char *b)
{
    const char *slash = strrchr(a, '/'), *other = strrchr(b, '/');
    return slash && other && slash - a == other - b &&
           !strncmp(a, b, (size_t)(slash - a));
}

void app_pairs_persons(const app_pairs *pairs, size_t *persons)
{
    for (size_t i = 0; i < pairs->n_photos; i++)
        persons[i] = i;
    for (size_t i = 0; i < pairs->n_pairs; i++)
        if (pairs->pairs[i].mated)
            join(persons, pairs->pairs[i].a, pairs->pairs[i].b);
    /* Photos are sorted by their paths. */
    for (size_t i = 1; pairs->by_folder && i < pairs->n_photos; i++)
        if (same_folder(pairs->photos[i - 1], pairs->photos[i]))
            join(persons, i - 1, i);
    for (size_t i = 0; i < pairs->n_photos; i++)
        persons[i] = first_of(persons, i);
}

size_t *app_pairs_mated(const app_pairs *pairs, double wanted, size_t *n)
{
    size_t *chosen = calloc(pairs->n_pairs, sizeof(*chosen)), total = 0;
    if (!chosen)
        return NULL;
    for (size_t i = 0; i < pairs->n_pairs; i++)
        if (pairs->pairs[i].mated)
            chosen[total++] = i;
    *n = wanted < (double)total ? (size_t)wanted : total;
    for (size_t i = 0; i < *n; i++)
        chosen[i] = chosen[i * total / *n];
    return chosen;
}

/* SplitMix64's finish (Steele et al., 2014): the same everywhere. */
static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

size_t app_pairs_draw(const app_pairs *pairs, uint64_t seed, size_t pair,
                      uint64_t k)
{
    uint64_t first = scramble(seed ^ scramble(pair));
    return (size_t)(scramble(first + k) % pairs->n_photos);
}

void app_pairs_free(app_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n_photos; i++)
        free(pairs->photos[i]);
    free(pairs->photos);
    free(pairs->pairs);
    *pairs = (app_pairs){0};
}
