/* What 'bench engine' prints. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/result.h"
#include "cli/bench_engine.h"

#define FORMAT 1

/* ---- from measurements to numbers ---------------------------------------- */

static const double *rounds_of(const engine_bench *b, const contender *c,
                               size_t batch_index)
{
    return c->seconds + batch_index * b->n_rounds;
}

/* Seconds an image. */
static app_spread image_time(const engine_bench *b, const contender *c,
                             size_t batch_index)
{
    return app_spread_of(rounds_of(b, c, batch_index), b->n_rounds);
}

/* Index of the batch with the least median; n_batches: none was measured. */
static size_t best_batch(const engine_bench *b, const contender *c)
{
    size_t best = b->n_batches;
    double least = INFINITY;
    for (size_t k = 0; k < b->n_batches && !*c->absent; k++) {
        double median = image_time(b, c, k).median;
        if (median < least) {
            least = median;
            best = k;
        }
    }
    return best;
}

static size_t index_of_batch_1(const engine_bench *b)
{
    size_t k = 0;
    while (k < b->n_batches && b->batches[k] != 1)
        k++;
    return k;
}

static const contender *find_ort(const engine_bench *b)
{
    for (size_t i = 0; i < b->n_contenders; i++)
        if (!strcmp(b->contenders[i].backend, "ort") &&
            !*b->contenders[i].absent)
            return &b->contenders[i];
    return NULL;
}

/* ONNX Runtime's time over the contender's, round by round. */
static app_spread ratio(const engine_bench *b, size_t ort_batch,
                        const contender *c, size_t batch)
{
    const contender *ort = find_ort(b);
    app_spread none = {NAN, NAN, NAN};
    double *ratios = malloc(b->n_rounds * sizeof(*ratios));
    if (ratios && ort && ort_batch < b->n_batches && batch < b->n_batches) {
        for (size_t r = 0; r < b->n_rounds; r++)
            ratios[r] =
                rounds_of(b, ort, ort_batch)[r] / rounds_of(b, c, batch)[r];
        none = app_spread_of(ratios, b->n_rounds);
    }
    free(ratios);
    return none;
}

static app_spread ratio_best(const engine_bench *b, const contender *c)
{
    const contender *ort = find_ort(b);
    return ratio(b, ort ? best_batch(b, ort) : b->n_batches, c,
                 best_batch(b, c));
}

static app_spread ratio_one(const engine_bench *b, const contender *c)
{
    return ratio(b, index_of_batch_1(b), c,
                 *c->absent ? b->n_batches : index_of_batch_1(b));
}

/* Operations a second, and what the machine can do at that precision. */
static double speed(const engine_bench *b, double image_seconds)
{
    return 2 * b->macs / image_seconds;
}

static double peak(const engine_bench *b, const char *precision)
{
    int k = !strcmp(precision, "bf16")   ? APP_PEAK_BF16
            : !strcmp(precision, "int8") ? APP_PEAK_INT8
                                         : APP_PEAK_F32;
    return app_spread_of(b->peak[k], b->n_rounds).median;
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *scaled_json(app_spread s, double scale)
{
    return app_spread_json(
        (app_spread){scale * s.low, scale * s.median, scale * s.high});
}

static json_t *batches_json(const engine_bench *b, const contender *c)
{
    json_t *list = json_array();
    for (size_t k = 0; k < b->n_batches && !*c->absent; k++) {
        app_spread image = image_time(b, c, k);
        double reached = speed(b, image.median);
        json_array_append_new(
            list,
            json_pack("{s:I s:o s:o s:o}", "batch", (json_int_t)b->batches[k],
                      "ms_an_image", scaled_json(image, 1e3), "gflops",
                      app_number(reached / 1e9), "share_of_peak",
                      app_number(reached / peak(b, c->precision))));
    }
    return list;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *contender_json(const engine_bench *b, const contender *c)
{
    size_t best = best_batch(b, c);
    return json_pack(
        "{s:s s:s s:s s:s s:o s:o s:o s:o s:o s:o s:o}", "name", c->title,
        "backend", c->backend, "precision", c->precision, "engine", c->engine,
        "absent", text_or_null(c->absent), "fault", text_or_null(c->fault),
        "cosine", app_number(c->cosine), "batches", batches_json(b, c),
        "best_batch",
        best < b->n_batches ? json_integer((json_int_t)b->batches[best])
                            : json_null(),
        "ratio_best_batch", app_spread_json(ratio_best(b, c)), "ratio_batch_1",
        app_spread_json(ratio_one(b, c)));
}

static json_t *profile_json(const engine_bench *b)
{
    const wf_profile_row *row;
    json_t *list = json_array();
    for (size_t i = 0; (row = wf_profile_get(b->profile, i)); i++)
        json_array_append_new(
            list, json_pack("{s:s s:s s:s s:s s:s s:f s:f}", "node", row->node,
                            "op", row->op, "kind", row->kind, "algorithm",
                            row->algorithm, "shape", row->shape, "macs",
                            row->macs, "seconds", row->seconds));
    return json_pack("{s:s s:I s:o}", "contender",
                     b->contenders[b->profiled].title, "batch",
                     (json_int_t)b->profile_batch, "steps", list);
}

static json_t *machine_json(const engine_bench *b)
{
    json_t *o = app_machine_json(&b->machine);
    json_object_set_new(o, "other_work", app_number(b->other_work));
    json_object_set_new(
        o, "peak",
        json_pack("{s:o s:o s:o s:o}", "f32_gflops",
                  app_number(peak(b, "f32") / 1e9), "bf16_gflops",
                  app_number(peak(b, "bf16") / 1e9), "int8_gops",
                  app_number(peak(b, "int8") / 1e9), "memory_gb_s",
                  app_number(b->bandwidth / 1e9)));
    return o;
}

int engine_report_json(const engine_bench *b)
{
    json_t *list = json_array();
    for (size_t i = 0; i < b->n_contenders; i++)
        json_array_append_new(list, contender_json(b, &b->contenders[i]));
    return app_json_print(
        b->command,
        json_pack("{s:i s:s s:o s:o s:I s:o s:o s:o}", "format", FORMAT,
                  "bench", "engine", "model",
                  app_model_json(wf_model_get_info(b->session.model)), "macs",
                  app_number(b->macs), "rounds", (json_int_t)b->n_rounds,
                  "machine", machine_json(b), "contenders", list, "profile",
                  b->profile ? profile_json(b) : json_null()));
}

/* ---- text ---------------------------------------------------------------- */

/* A number with a width, or a dash. */
static void print_number(int width, int digits, double value)
{
    if (isfinite(value))
        printf(" %*.*f", width, digits, value);
    else
        printf(" %*s", width, "-");
}

static void print_head(const engine_bench *b)
{
    const wf_model_info *info = wf_model_get_info(b->session.model);
    static const char *const names[] = {"f32", "bf16", "int8"};
    printf("model    %s, %d x %d -> %d", info->name, info->width, info->height,
           info->dim);
    if (isfinite(b->macs))
        printf(", %.3f G multiply-adds an image", b->macs / 1e9);
    printf("\n");
    bench_print_machine(&b->machine, b->other_work);
    printf("peak    ");
    for (size_t i = 0; i < 3; i++)
        if (isfinite(peak(b, names[i])))
            printf(" %s %.0f G operations/s,", names[i],
                   peak(b, names[i]) / 1e9);
    printf(" memory %.1f GB/s\n", b->bandwidth / 1e9);
    for (size_t i = 0; i < b->n_contenders; i++) {
        const contender *c = &b->contenders[i];
        printf("%-15s  %s%s\n", c->title, *c->absent ? "not measured: " : "",
               *c->absent ? c->absent : c->engine);
        if (*c->fault)
            printf("%-15s  failed: %s\n", "", c->fault);
    }
    printf("%zu rounds; medians, and quartiles in brackets\n", b->n_rounds);
}

static void print_batches(const engine_bench *b)
{
    printf("\ncontender        batch  ms an image  (quartiles)            "
           "GFLOP/s  "
           "%% of peak\n");
    for (size_t i = 0; i < b->n_contenders; i++) {
        const contender *c = &b->contenders[i];
        for (size_t k = 0; k < b->n_batches && !*c->absent; k++) {
            app_spread s = image_time(b, c, k);
            double reached = speed(b, s.median);
            char quartiles[48];
            snprintf(quartiles, sizeof(quartiles), "(%.3f .. %.3f)",
                     1e3 * s.low, 1e3 * s.high);
            printf("%-15s  %5zu ", c->title, b->batches[k]);
            print_number(11, 3, 1e3 * s.median);
            printf("  %-20s", isfinite(s.median) ? quartiles : "");
            print_number(8, 1, reached / 1e9);
            print_number(10, 1, 100 * reached / peak(b, c->precision));
            printf("\n");
        }
    }
}

static void print_ratios(const engine_bench *b)
{
    printf("\nspeed as a multiple of ONNX Runtime's%s\n"
           "contender        best batch  to its best batch        batch 1 to "
           "batch 1         cosine\n",
           find_ort(b) ? "" : " (which is not measured)");
    for (size_t i = 0; i < b->n_contenders; i++) {
        const contender *c = &b->contenders[i];
        size_t best = best_batch(b, c);
        if (best == b->n_batches)
            continue;
        printf("%-15s  %10zu", c->title, b->batches[best]);
        bench_print_ratio(ratio_best(b, c));
        bench_print_ratio(ratio_one(b, c));
        print_number(12, 6, c->cosine);
        printf("\n");
    }
}

/* Steps of one kind, added up. */
typedef struct kind_sum {
    const char *kind;
    double seconds;
} kind_sum;

static void print_kinds(const engine_bench *b, double total)
{
    kind_sum kinds[32];
    size_t n = 0;
    const wf_profile_row *row;
    for (size_t i = 0; (row = wf_profile_get(b->profile, i)); i++) {
        size_t k = 0;
        while (k < n && strcmp(kinds[k].kind, row->kind))
            k++;
        if (k == sizeof(kinds) / sizeof(*kinds))
            continue;
        if (k == n)
            kinds[n++] = (kind_sum){row->kind, 0};
        kinds[k].seconds += row->seconds;
    }
    for (size_t k = 0; k < n; k++)
        printf("%8.3f  %5.1f %%  all of kind: %s\n", 1e3 * kinds[k].seconds,
               100 * kinds[k].seconds / total, kinds[k].kind);
}

static void print_profile(const engine_bench *b)
{
    const wf_profile_row *row;
    double total = 0;
    for (size_t i = 0; (row = wf_profile_get(b->profile, i)); i++)
        total += row->seconds;
    printf("\nprofile of %s, batch %zu: %.3f ms a run\n"
           "      ms    share  GFLOP/s  step\n",
           b->contenders[b->profiled].title, b->profile_batch, 1e3 * total);
    for (size_t i = 0; (row = wf_profile_get(b->profile, i)); i++) {
        printf("%8.3f  %5.1f %%", 1e3 * row->seconds,
               100 * row->seconds / total);
        print_number(8, 1,
                     row->macs > 0 ? 2e-9 * row->macs / row->seconds : NAN);
        printf("  %s %s: %s%s%s, %s\n", row->op, row->node, row->kind,
               *row->algorithm ? " " : "", row->algorithm, row->shape);
    }
    print_kinds(b, total);
}

void engine_report_text(const engine_bench *b)
{
    print_head(b);
    print_batches(b);
    print_ratios(b);
    if (b->profile)
        print_profile(b);
}
