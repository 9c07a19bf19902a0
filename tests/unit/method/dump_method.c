/*
 * usage: dump_method [-p PRESET] [-s SIDE] [-n] FOLDER METHOD [NAME=VALUE]...
 *
 * Runs a method on the eye model and writes what the model was given, what it
 * answered and the maps that came out, for the references of
 * tests/differential.  All files are .npy of two dimensions, a row a copy:
 *
 *     images, images_embeddings    probe, mate and (without -n) non-mate
 *     ROLE_copies, ROLE_embeddings what was asked while ROLE's progress was
 *                                  reported (probe, mate or non-mate), in order
 *     mate_probe, mate_other, nonmate_probe, nonmate_other: the maps
 *
 * A copy's row is 3 x SIDE x SIDE values -1..1 (black is -1).  The channels of
 * the images differ, so that at every pixel one of them is far from each fill.
 */
#include "unit/eye.h"

#include <stdbool.h>
#include <unistd.h>

enum { UNCHANGED, PROBE, MATE, NONMATE, ROLES };
static const char *const names[ROLES] = {"images", "probe", "mate", "nonmate"};

/* Rows that arrive one by one. */
typedef struct rows {
    float *values;
    size_t width, n, capacity;
} rows;

typedef struct dump {
    eye eye;
    int role; /* whose copies arrive */
    rows copies[ROLES], embeddings[ROLES];
} dump;

static void append(rows *r, const float *values, size_t width, size_t n)
{
    r->width = width;
    if (r->n + n > r->capacity) {
        r->capacity = 2 * (r->n + n);
        r->values = realloc(r->values, r->capacity * width * sizeof(float));
        if (!r->values)
            abort();
    }
    memcpy(r->values + r->n * width, values, n * width * sizeof(float));
    r->n += n;
}

static int look(const float *input, size_t n, float *output, void *user)
{
    dump *d = user;
    size_t side = (size_t)d->eye.side;
    int status = eye_look(input, n, output, &d->eye);
    append(&d->copies[d->role], input, 3 * side * side, n);
    append(&d->embeddings[d->role], output, EYE_DIM, n);
    return status;
}

static int follow(const char *stage, uint64_t done, uint64_t total, void *user)
{
    dump *d = user;
    (void)done;
    (void)total;
    d->role = strstr(stage, "non-mate") ? NONMATE
              : strstr(stage, "mate")   ? MATE
                                        : PROBE;
    return 0;
}

static wf_image *picture(int side, int seed)
{
    uint8_t *pixels = malloc(3 * (size_t)side * (size_t)side);
    wf_image *image;
    for (int i = 0; i < side * side; i++)
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] =
                (uint8_t)(128 + 100 * sin(0.3 * (i % side) * (1 + seed) +
                                          0.2 * (i / side) + seed + 2.1 * c));
    ASSERT_OK(wf_image_from_pixels(pixels, side, side, 3, 0, &image, err));
    free(pixels);
    return image;
}

static void save(const char *folder, const char *name, const char *what,
                 const float *values, size_t width, size_t height)
{
    char path[4096];
    wf_map *map;
    snprintf(path, sizeof(path), "%s/%s%s.npy", folder, name, what);
    ASSERT_OK(wf_map_create(values, (int)width, (int)height, &map, err));
    ASSERT_OK(wf_map_save(map, path, err));
    wf_map_free(map);
}

static void save_all(const char *folder, const dump *d, const wf_explanation *e)
{
    for (int role = 0; role < ROLES; role++) {
        const rows *c = &d->copies[role], *f = &d->embeddings[role];
        if (c->n == 0)
            continue;
        save(folder, names[role], role ? "_copies" : "", c->values, c->width,
             c->n);
        save(folder, names[role], "_embeddings", f->values, f->width, f->n);
    }
    for (int k = 0; k < 4; k++) {
        const wf_map *map =
            wf_explanation_map(e, (wf_pair)(k / 2), (wf_side)(k % 2));
        if (map)
            save(folder, names[MATE + k / 2], k % 2 ? "_other" : "_probe",
                 wf_map_values(map), (size_t)d->eye.side, (size_t)d->eye.side);
    }
}

static wf_model *make_model(dump *d)
{
    wf_model_info info;
    wf_model *model;
    wf_model_info_init(&info);
    info.width = info.height = d->eye.side;
    info.dim = EYE_DIM;
    snprintf(info.name, sizeof(info.name), "eye");
    ASSERT_OK(wf_model_from_callback(look, d, &info, &model, err));
    return model;
}

static wf_options *make_options(char **words, const char *preset)
{
    wf_options *options;
    ASSERT_OK(wf_options_create(words[0], &options, err));
    if (preset)
        ASSERT_OK(wf_options_preset(options, preset, err));
    for (char **word = words + 1; *word; word++) {
        char *value = strchr(*word, '=');
        if (!value)
            fail_msg("'%s' is not NAME=VALUE", *word);
        *value++ = '\0';
        ASSERT_OK(wf_options_set(options, *word, value, err));
    }
    return options;
}

static void run(dump *d, const wf_options *options, bool triplet,
                const char *folder)
{
    wf_ctx *ctx;
    wf_image *images[3];
    wf_explanation *e;
    wf_model *model = make_model(d);
    ASSERT_OK(wf_ctx_create(&ctx, err));
    wf_ctx_set_progress(ctx, follow, d);
    for (int i = 0; i < 3; i++)
        images[i] = picture(d->eye.side, i);
    ASSERT_OK(wf_explain(ctx, model, options, images[0], images[1],
                         triplet ? images[2] : NULL, &e, err));
    save_all(folder, d, e);
    wf_explanation_free(e);
    for (int i = 0; i < 3; i++)
        wf_image_free(images[i]);
    wf_model_free(model);
    wf_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    dump d = {.eye = {.side = 48}};
    const char *preset = NULL;
    bool triplet = true;
    for (int option; (option = getopt(argc, argv, "p:s:n")) != -1;)
        switch (option) {
        case 'p':
            preset = optarg;
            break;
        case 's':
            d.eye.side = (int)strtol(optarg, NULL, 10);
            break;
        case 'n':
            triplet = false;
            break;
        default:
            return 2;
        }
    if (argc - optind < 2 || d.eye.side < 16) {
        fprintf(stderr, "usage: dump_method [-p PRESET] [-s SIDE] [-n] FOLDER "
                        "METHOD [NAME=VALUE]...\n");
        return 2;
    }
    d.eye.x = d.eye.side * 5 / 8;
    d.eye.y = d.eye.side / 3;
    wf_options *options = make_options(argv + optind + 1, preset);
    run(&d, options, triplet, argv[optind]);
    wf_options_free(options);
    for (int role = 0; role < ROLES; role++) {
        free(d.copies[role].values);
        free(d.embeddings[role].values);
    }
    return 0;
}
