/*
 * usage: suitability LFW-FOLDER MODEL DETECTOR [PAIRS [PEOPLE [PHOTO...]]]
 *
 * Where the limits of wf_assess come from, and how well it tells what is
 * covered (doc/suitability.md).
 *
 * Of PAIRS [200] mated pairs of the folder's pairs.txt, evenly spaced, one
 * photo is made worse step by step: what the measure says, and what becomes of
 * the similarity with the unchanged mate.  A limit is where the mean similarity
 * has fallen by 5 % (fair) and by 20 % (poor).
 *
 * All mated pairs as they are, in ten bins of the worse photo's value.
 *
 * PEOPLE [500] people, one photo each, with things drawn on the face
 * (wf_occlude; half of them in a random colour) and detected again: how often
 * the value of a covered face is the smaller one (AUC), and how often it is
 * called covered.  A limit is what 5 % (fair) and 1 % (poor) of as many other
 * uncovered faces fall below.
 *
 * Both measures of covers on the largest face of each PHOTO.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/degrade.h"
#include "bench/lfw_pairs.h"

#define MAX_PAIRS  1500
#define MAX_PEOPLE 6000
#define MAX_DIM    1024
#define FAIR_FALL  0.05
#define POOR_FALL  0.20

static wf_ctx *ctx;
static wf_model *model;
static wf_detector *detector;
static const wf_model_info *info;
static char root[2048];
static double threshold;

typedef struct sample {
    wf_image *photo; /* NULL: not kept */
    wf_face face;
    float embedding[MAX_DIM];
    wf_quality quality[WF_QUALITIES];
} sample;

/* The face nearest the centre; 0: none is found. */
static int find_face(const wf_image *photo, const char *name, wf_face *face)
{
    wf_face faces[32];
    size_t count, index;
    wf_error err = {0};
    if (wf_detect(ctx, detector, photo, faces, 32, &count, &err))
        lfw_die(name, &err);
    if (!count)
        return 0;
    if (wf_face_choose(faces, count < 32 ? count : 32, photo, "centre", name,
                       &index, &err))
        lfw_die(name, &err);
    *face = faces[index];
    return 1;
}

/* Quality, and the embedding unless it is NULL. */
static void measure(const wf_image *photo, const wf_face *face,
                    wf_quality *quality, float *embedding)
{
    wf_image *crop;
    wf_error err = {0};
    if (wf_align(photo, face, info, &crop, &err) ||
        wf_assess(photo, face, crop, info, quality, &err) ||
        (embedding && wf_embed(ctx, model, (const wf_image *const *)&crop, 1,
                               embedding, &err)))
        lfw_die("measuring", &err);
    wf_image_free(crop);
}

static int open_sample(const char *person, int number, sample *s)
{
    char path[4096];
    wf_error err = {0};
    snprintf(path, sizeof(path), "%s/images/%s/%s_%04d.jpg", root, person,
             person, number);
    if (wf_image_load(path, &s->photo, &err))
        lfw_die(path, &err);
    if (!find_face(s->photo, path, &s->face)) {
        wf_image_free(s->photo);
        return 0;
    }
    measure(s->photo, &s->face, s->quality, s->embedding);
    return 1;
}

static int row_of(const char *name)
{
    wf_quality q[WF_QUALITIES];
    wf_image *crop;
    uint8_t *grey = calloc((size_t)info->width * (size_t)info->height, 1);
    wf_error err = {0};
    int found = -1;
    if (wf_image_from_pixels(grey, info->width, info->height, 1, 0, &crop,
                             &err) ||
        wf_assess(NULL, NULL, crop, info, q, &err))
        lfw_die("measures", &err);
    for (int i = 0; i < WF_QUALITIES; i++)
        if (!strcmp(q[i].name, name))
            found = i;
    wf_image_free(crop);
    free(grey);
    if (found < 0)
        lfw_die(name, NULL);
    return found;
}

static double similarity(const float *a, const float *b)
{
    return wf_similarity(a, b, (size_t)info->dim);
}

/* ---- 1. one photo of a pair made worse ------------------------------------
 */

static sample pairs[MAX_PAIRS][2];
static int n_pairs;

/* A line of pairs.txt that is a mated pair. */
static int read_pair(const char *line, char name[128], int *i, int *j)
{
    int end = 0;
    return sscanf(line, "%127s %d %d %n", name, i, j, &end) == 3 && !line[end];
}

static void load_pairs(void)
{
    char path[4096], line[512], name[128];
    int i, j;
    snprintf(path, sizeof(path), "%s/pairs.txt", root);
    FILE *file = fopen(path, "r");
    if (!file)
        lfw_die("cannot read pairs.txt", NULL);
    while (n_pairs < MAX_PAIRS && fgets(line, sizeof(line), file)) {
        sample *s = pairs[n_pairs];
        if (read_pair(line, name, &i, &j) && open_sample(name, i, &s[0]) &&
            open_sample(name, j, &s[1]))
            n_pairs++;
    }
    fclose(file);
}

/* Keeps the first photos of `wanted` pairs, evenly spaced. */
static void choose_pairs(int wanted)
{
    for (int i = 0; i < n_pairs; i++) {
        bool keep =
            (long)(i + 1) * wanted / n_pairs > (long)i * wanted / n_pairs;
        for (int side = keep; side < 2; side++) {
            wf_image_free(pairs[i][side].photo);
            pairs[i][side].photo = NULL;
        }
    }
}

typedef struct step {
    double strength, value, similarity;
    int n, rejected, unknown;
} step;

static step run_step(const degradation *d, int k, int row)
{
    step s = {.strength = d->strengths[k]};
    for (int i = 0; i < n_pairs; i++) {
        static float embedding[MAX_DIM];
        wf_quality q[WF_QUALITIES];
        wf_face face = pairs[i][0].face;
        wf_image *photo = pairs[i][0].photo
                              ? d->make(pairs[i][0].photo, s.strength, &face)
                              : NULL;
        if (!photo)
            continue;
        if (!d->detect || find_face(photo, d->name, &face)) {
            measure(photo, &face, q, embedding);
            double v = similarity(embedding, pairs[i][1].embedding);
            s.n++;
            s.similarity += v;
            s.rejected += v < threshold;
            if (isnan(q[row].value))
                s.unknown++;
            else
                s.value += fabs(q[row].value);
        }
        wf_image_free(photo);
    }
    s.similarity /= s.n;
    s.value /= s.n - s.unknown;
    return s;
}

static step unchanged(int row)
{
    step s = {.strength = NAN};
    for (int i = 0; i < n_pairs; i++) {
        double value = pairs[i][0].quality[row].value;
        if (!pairs[i][0].photo)
            continue;
        double v = similarity(pairs[i][0].embedding, pairs[i][1].embedding);
        s.n++;
        s.similarity += v;
        s.rejected += v < threshold;
        if (isnan(value))
            s.unknown++;
        else
            s.value += fabs(value);
    }
    s.similarity /= s.n;
    s.value /= s.n - s.unknown;
    return s;
}

/* Where the similarity has fallen by `fall`, between two steps. */
static double crossing(const step *s, int n, double fall)
{
    double at = s[0].similarity * (1 - fall);
    for (int k = 1; k < n; k++) {
        double a = s[k - 1].similarity, b = s[k].similarity;
        if (a >= at && b < at)
            return s[k - 1].value +
                   (s[k].value - s[k - 1].value) * (a - at) / (a - b);
    }
    return NAN;
}

static void print_step(const step *s, double whole)
{
    char strength[32] = "unchanged";
    if (!isnan(s->strength))
        snprintf(strength, sizeof(strength), "%g", s->strength);
    printf("| %s | %d | %.3f | %.3f | %.0f | %.1f |\n", strength, s->n,
           s->value, s->similarity, 100 * s->similarity / whole,
           100.0 * s->rejected / s->n);
    fflush(stdout);
}

static void make_worse(void)
{
    printf("## One photo made worse\n\nthreshold %.4f\n", threshold);
    for (const degradation *d = degradations; d->name; d++) {
        step s[DEGRADE_STEPS + 1];
        int row = row_of(d->measure);
        printf("\n| %s, %s | photos | %s | mean similarity | of the unchanged, "
               "%% | FNMR, %% |\n|---|---|---|---|---|---|\n",
               d->name, d->unit, d->measure);
        s[0] = unchanged(row);
        print_step(&s[0], s[0].similarity);
        for (int k = 0; k < d->n; k++) {
            s[k + 1] = run_step(d, k, row);
            print_step(&s[k + 1], s[0].similarity);
        }
        printf("\n%s: fallen by %.0f %% at %.3g, by %.0f %% at %.3g\n",
               d->measure, 100 * FAIR_FALL, crossing(s, d->n + 1, FAIR_FALL),
               100 * POOR_FALL, crossing(s, d->n + 1, POOR_FALL));
    }
}

/* ---- 2. pairs as they are ------------------------------------------------ */

typedef struct scored {
    double value, similarity;
} scored;

static int by_value(const void *a, const void *b)
{
    const scored *p = a, *q = b;
    return (p->value > q->value) - (p->value < q->value);
}

static void print_bin(const char *name, const scored *s, int n)
{
    double sum = 0;
    int rejected = 0;
    for (int i = 0; i < n; i++) {
        sum += s[i].similarity;
        rejected += s[i].similarity < threshold;
    }
    if (n)
        printf("| %s | %.3g to %.3g | %d | %.3f | %.1f |\n", name, s[0].value,
               s[n - 1].value, n, sum / n, 100.0 * rejected / n);
}

/* Of both photos of a pair the worse one: pairs in ten bins of its value. */
static void print_natural(int row)
{
    static scored s[MAX_PAIRS];
    int n = 0;
    for (int i = 0; i < n_pairs; i++) {
        const wf_quality *a = &pairs[i][0].quality[row];
        const wf_quality *b = &pairs[i][1].quality[row];
        double x = fabs(a->value), y = fabs(b->value);
        if (isnan(x) || isnan(y))
            continue;
        s[n].value = a->fair > a->poor ? fmin(x, y) : fmax(x, y);
        s[n++].similarity =
            similarity(pairs[i][0].embedding, pairs[i][1].embedding);
    }
    qsort(s, (size_t)n, sizeof(*s), by_value);
    for (int k = 0; k < 10; k++)
        print_bin(pairs[0][0].quality[row].name, s + n * k / 10,
                  n * (k + 1) / 10 - n * k / 10);
}

static void print_pairs(void)
{
    printf("\n## Pairs as they are\n\n| measure, of the worse photo | values | "
           "pairs | mean similarity | FNMR, %% |\n|---|---|---|---|---|\n");
    for (int row = 0; row < WF_QUALITIES; row++)
        print_natural(row);
    printf("\n| measure | good | fair | poor | unknown |\n|---|---|---|---|---|"
           "\n");
    for (int row = 0; row < WF_QUALITIES; row++) {
        int count[4] = {0};
        for (int i = 0; i < n_pairs; i++)
            for (int side = 0; side < 2; side++)
                count[pairs[i][side].quality[row].level]++;
        printf("| %s | %d | %d | %d | %d |\n", pairs[0][0].quality[row].name,
               count[0], count[1], count[2], count[3]);
    }
}

/* ---- 3. covered faces -----------------------------------------------------
 */

#define MAX_KINDS 8

/* What one kind of cover does to both measures, lower and upper. */
typedef struct covers {
    char name[64];
    int n, level[2][4];
    double *values[2];
} covers;

static uint64_t random_state = 1;

static uint32_t random32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static void note(covers *c, const wf_image *photo, const wf_face *face,
                 const int rows[2])
{
    wf_quality q[WF_QUALITIES];
    measure(photo, face, q, NULL);
    for (int k = 0; k < 2; k++) {
        c->values[k][c->n] = q[rows[k]].value;
        c->level[k][q[rows[k]].level]++;
    }
    c->n++;
}

/* Of all pairs of a covered and an uncovered face, the share in which the
 * covered one has the smaller value. */
static double auc(const covers *covered, const covers *none, int k)
{
    double sum = 0;
    for (int i = 0; i < covered->n; i++)
        for (int j = 0; j < none->n; j++) {
            double a = covered->values[k][i], b = none->values[k][j];
            sum += a < b ? 1 : a == b ? 0.5 : 0;
        }
    return sum / covered->n / none->n;
}

/* Whether the face found in the changed photo is the one that was changed. */
static bool same_face(const wf_face *a, const wf_face *b)
{
    double w = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
    double h = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);
    double both = fmax(w, 0) * fmax(h, 0);
    return both >= 0.5 * (a->width * a->height + b->width * b->height - both);
}

/* Takes the photo over. */
static void note_again(wf_image *photo, const wf_face *expected, covers *c,
                       const int rows[2])
{
    wf_face face;
    if (photo && find_face(photo, "a covered face", &face) &&
        same_face(&face, expected))
        note(c, photo, &face, rows);
    wf_image_free(photo);
}

static void cover_face(const sample *s, const char *kind, covers *c,
                       const int rows[2])
{
    wf_occlusion_opts opts;
    wf_image *photo = NULL;
    wf_face face = s->face;
    wf_occlusion_opts_init(&opts);
    opts.kind = kind;
    opts.seed = random32() % 1000 + 1;
    uint32_t colour = random32();
    if (strcmp(kind, "hand") != 0 && colour & 1 << 24)
        opts.colour = (int32_t)(colour & 0xffffff);
    /* On some faces it would lie outside the photo. */
    if (wf_occlude(s->photo, &s->face, &opts, &photo, NULL, NULL) == WF_OK)
        note_again(photo, &face, c, rows);
}

/* An uncovered face, made worse: is it taken for a covered one? */
static void degrade_face(const sample *s, const char *name, double strength,
                         covers *c, const int rows[2])
{
    for (const degradation *d = degradations; d->name; d++)
        if (!strcmp(d->name, name)) {
            wf_face face = s->face;
            wf_image *photo = d->make(s->photo, strength, &face);
            /* The box does not move with the pixels: no second detection. */
            if (photo)
                note(c, photo, &face, rows);
            wf_image_free(photo);
        }
}

static void print_covers(const covers *c, const covers *none)
{
    for (int k = 0; k < 2; k++) {
        printf("| %s | %s | %d | %.3f |", c->name, k ? "upper" : "lower", c->n,
               auc(c, none, k));
        for (int level = 0; level < 4; level++)
            printf(" %.1f |", 100.0 * c->level[k][level] / c->n);
        printf("\n");
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_limits(covers *c)
{
    for (int k = 0; k < 2; k++) {
        qsort(c->values[k], (size_t)c->n, sizeof(double), ascending);
        printf("%s face: of %d other people, uncovered, 5 %% lie below %.3f, "
               "1 %% below %.3f\n",
               k ? "upper" : "lower", c->n, c->values[k][c->n / 20],
               c->values[k][c->n / 100]);
    }
}

/* People with a photo number 1, as landmarks_mtcnn.csv lists them. */
static int next_person(FILE *file, char person[128])
{
    char line[512];
    while (fgets(line, sizeof(line), file)) {
        char *slash = strchr(line, '/');
        if (!slash)
            continue;
        *slash = '\0';
        snprintf(person, 128, "%s", line);
        if (!strncmp(slash + 1 + strlen(line), "_0001", 5))
            return 1;
    }
    return 0;
}

enum { NONE, OTHERS, BLURRED, SMALL, FIRST_KIND };

static void visit_person(const char *person, int number, covers *all,
                         const int rows[2])
{
    sample s;
    if (!open_sample(person, 1, &s))
        return;
    if (number % 2) {
        note(&all[OTHERS], s.photo, &s.face, rows);
    } else {
        note(&all[NONE], s.photo, &s.face, rows);
        degrade_face(&s, "blur", 4, &all[BLURRED], rows);
        degrade_face(&s, "fewer pixels", 16, &all[SMALL], rows);
        for (size_t i = 0; wf_occlusion_name(i); i++)
            cover_face(&s, wf_occlusion_name(i), &all[FIRST_KIND + i], rows);
    }
    wf_image_free(s.photo);
}

/* Every second of 2 * people is for the limits, the others are reported. */
static void cover_people(int people)
{
    static covers all[FIRST_KIND + MAX_KINDS] = {
        {.name = "none"},
        {.name = "others"},
        {.name = "none, blurred by 4 % of the eye distance"},
        {.name = "none, 16 pixels between the eyes"}};
    char path[4096], person[128];
    const int rows[2] = {row_of("occlusion: lower face"),
                         row_of("occlusion: upper face")};
    int n = FIRST_KIND;
    for (; wf_occlusion_name((size_t)(n - FIRST_KIND)); n++)
        snprintf(all[n].name, sizeof(all[n].name), "%s",
                 wf_occlusion_name((size_t)(n - FIRST_KIND)));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            all[i].values[k] = calloc(MAX_PEOPLE, sizeof(double));
    snprintf(path, sizeof(path), "%s/landmarks_mtcnn.csv", root);
    FILE *file = fopen(path, "r");
    if (!file)
        lfw_die("cannot read landmarks_mtcnn.csv", NULL);
    for (int i = 0; i < 2 * people && next_person(file, person); i++)
        visit_person(person, i, all, rows);
    fclose(file);
    printf("\n## Covered faces\n\n| face | measure | photos | AUC | good, %% | "
           "fair, %% | poor, %% | unknown, %% |\n|---|---|---|---|---|---|---|"
           "---|\n");
    for (int i = 0; i < n; i++)
        if (i != OTHERS)
            print_covers(&all[i], &all[NONE]);
    printf("\n");
    print_limits(&all[OTHERS]);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            free(all[i].values[k]);
}

/* ---- 4. photos ----------------------------------------------------------- */

static void print_photo(const char *path)
{
    static const char *const levels[] = {"good", "fair", "poor", "unknown"};
    const int rows[2] = {row_of("occlusion: lower face"),
                         row_of("occlusion: upper face")};
    const char *slash = strrchr(path, '/');
    wf_image *photo;
    wf_face faces[32];
    wf_quality q[WF_QUALITIES];
    size_t count, index;
    wf_error err = {0};
    if (wf_image_load(path, &photo, &err) ||
        wf_detect(ctx, detector, photo, faces, 32, &count, &err))
        lfw_die(path, &err);
    count = count < 32 ? count : 32;
    if (!count) {
        printf("| %s | no face | |\n", slash ? slash + 1 : path);
    } else if (wf_face_choose(faces, count, photo, "largest", path, &index,
                              &err)) {
        lfw_die(path, &err);
    } else {
        measure(photo, &faces[index], q, NULL);
        printf("| %s | %.3f, %s | %.3f, %s |\n", slash ? slash + 1 : path,
               q[rows[0]].value, levels[q[rows[0]].level], q[rows[1]].value,
               levels[q[rows[1]].level]);
    }
    wf_image_free(photo);
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    if (argc < 4) {
        fprintf(stderr,
                "usage: suitability LFW-FOLDER MODEL DETECTOR [PAIRS [PEOPLE "
                "[PHOTO...]]]\n");
        return 2;
    }
    int wanted = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 200;
    int people = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 500;
    if (wanted < 0 || wanted > MAX_PAIRS || people < 0 || people > MAX_PEOPLE)
        lfw_die("PAIRS or PEOPLE out of range", NULL);
    snprintf(root, sizeof(root), "%s", argv[1]);
    if (wf_ctx_create(&ctx, &err) || wf_model_open(argv[2], NULL, &model, &err))
        lfw_die("model", &err);
    detector = lfw_open_detector(argv[3]);
    info = wf_model_get_info(model);
    const wf_threshold *t = wf_model_threshold(model, "fmr1e-3");
    if (!t || info->dim > MAX_DIM)
        lfw_die("the model has no threshold fmr1e-3, or too long embeddings",
                NULL);
    threshold = t->value;
    if (wanted) {
        load_pairs();
        choose_pairs(wanted);
        make_worse();
        print_pairs();
        choose_pairs(0);
    }
    if (people)
        cover_people(people);
    if (argc > 6)
        printf("\n| photo | lower face | upper face |\n|---|---|---|\n");
    for (int i = 6; i < argc; i++)
        print_photo(argv[i]);
    wf_detector_free(detector);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return 0;
}
