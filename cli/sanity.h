/*
 * What 'whyface sanity' puts maps through.  Each test explains the same crops
 * again with one thing changed and says how the maps follow.
 */
#ifndef CLI_SANITY_H
#define CLI_SANITY_H

#include "app/json.h"
#include "app/session.h"

#define SANITY_MAX_COUNTS 16
#define SANITY_MAX_KINDS  8
#define SANITY_CONFIDENCE 0.95
#define SANITY_RESAMPLES  2000

typedef struct sanity {
    const app_command *command;
    const app_args *args;
    app_session session;
    wf_model_opts model_opts;
    wf_options *options;
    app_face faces[3]; /* probe, mate, non-mate */
    int n;             /* faces: 2 or 3 */
    int wanted;        /* tests, as bits */
    size_t pair;       /* of a list of pairs; 0 without one */
    app_threshold threshold;
    wf_explanation *plain; /* of the model and crops as they are */
    wf_map *random, *centred;
    uint64_t seed; /* that of the method */

    int stages; /* of the model's test */
    wf_randomise how;
    int seeds;                        /* of the test of stability */
    double counts[SANITY_MAX_COUNTS]; /* numbers of masks; 0: as given */
    size_t n_counts;
    int region[4];                       /* x, y, width, height of the patch */
    const char *kinds[SANITY_MAX_KINDS]; /* of occlusions */
    size_t n_kinds;

    int json;                   /* print nothing but JSON */
    int silent;                 /* tests print nothing */
    const char *format;         /* of tables over pairs */
    json_t *tests;              /* their results by name */
    struct sanity_sheet *sheet; /* NULL: no figure wanted */
} sanity;

/* The tests; an exit status, after a message if not APP_OK. */
int sanity_model(sanity *s);
int sanity_stability(sanity *s);
int sanity_hiding(sanity *s);
int sanity_patch(sanity *s);
int sanity_occlusion(sanity *s);

/* ---- what they share ------------------------------------------------------
 */

/* Explains crops: `nonmate` NULL where there is none. */
wf_status sanity_explain(const sanity *s, wf_model *model,
                         const wf_options *options, const wf_image *probe,
                         const wf_image *mate, const wf_image *nonmate,
                         wf_explanation **out, wf_error *err);
/* Explains the crops of `s` by `model`, with another seed and number of masks
 * (0: as given). */
wf_status sanity_explain_again(const sanity *s, wf_model *model, uint64_t seed,
                               double masks, wf_explanation **out,
                               wf_error *err);

/* Text on standard output, unless the tests are silent. */
void sanity_print(const sanity *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "0.123", or "-" for NaN; a static buffer of this call site. */
#define SANITY_NUMBER(value) sanity_number((value), (char[32]){0})
const char *sanity_number(double value, char buf[32]);

/* The maps of an explanation in order of pair and side. */
enum { SANITY_MAPS = 4 };
/* "probe for mate": which map it is. */
const char *sanity_map_name(int map);
/* NULL if there is none. */
const wf_map *sanity_map(const wf_explanation *x, int map);
/* The face that a map lies over, and the other of its pair: 0..2. */
int sanity_face(int map);
int sanity_other(int map);

/* Runs the wanted tests on the faces; `tests` holds what they found. */
int sanity_test(sanity *s);
/* Frees faces, maps and results of the pair. */
void sanity_drop_pair(sanity *s);
/* Version, model, method and threshold: a new reference. */
json_t *sanity_head(const sanity *s);

/* ---- sanity_protocol.c, sanity_means.c ------------------------------------
 */

/* The tests on the pairs of --protocol; prints means. */
int sanity_over_protocol(sanity *s);
/*
 * Results of n pairs, all of one shape, to one in which every number is
 * {mean, low, high, n} over the pairs; whole numbers and texts stay.  A new
 * reference, NULL without memory.
 */
json_t *sanity_means(const json_t *const *results, size_t n, uint64_t seed);
int sanity_print_means(const sanity *s, const json_t *means);

/* ---- sanity_sheet.c -------------------------------------------------------
 */

/* NULL without memory. */
struct sanity_sheet *sanity_sheet_new(void);
void sanity_sheet_free(struct sanity_sheet *sheet);
/* A crop, with a map (may be NULL) over it, both copied; then its caption.
 * Nothing to do where no figure is wanted. */
int sanity_draw(sanity *s, const wf_image *crop, const wf_map *map,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
void sanity_next_row(sanity *s);
int sanity_sheet_save(const sanity *s, const char *path);

#endif
