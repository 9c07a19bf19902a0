#include "method/belief.h"

#include <math.h>

#include "method/linear.h"

#define N WF__BELIEF_SIZE
#define R WF__PRIOR_RANK

typedef struct wf__belief_group group;

void wf__belief_init(wf__belief *b, const wf__prior *prior, const double *sizes,
                     int n_maps)
{
    memset(b, 0, sizeof(*b));
    b->prior = prior;
    b->n_maps = n_maps;
    for (int m = 0; m < n_maps; m++)
        b->size = fmax(b->size, sizes[m]);
    for (int m = 0; m < n_maps; m++)
        b->share[m] = sizes[m] / b->size;
}

/* What the unknowns z and a weigh in a mask with these cells. */
static void make_features(const wf__belief *b, const double *cells,
                          double *features)
{
    memset(features, 0, N * sizeof(*features));
    for (int k = 0; k < WF__FIELD_CELLS; k++) {
        double cell = b->size * cells[k];
        for (int j = 0; j < R; j++)
            features[j] += cell * b->prior->basis[k * R + j];
        features[R] += cell * b->prior->mean[k];
    }
}

void wf__belief_add(wf__belief *b, int which, const double *cells,
                    const float *similarities)
{
    double x[N];
    group *g = &b->group[which];
    make_features(b, cells, x);
    g->count++;
    for (int i = 0; i < N; i++) {
        g->sum[i] += x[i];
        for (int j = 0; j <= i; j++)
            g->product[i * N + j] += x[i] * x[j];
    }
    for (int m = 0; m < b->n_maps; m++) {
        double s = (double)similarities[m];
        g->score[m] += s;
        g->square[m] += s * s;
        for (int i = 0; i < N; i++)
            g->with[m][i] += s * x[i];
    }
}

/* The data of one map: groups centred, and each divided by the variance of its
 * similarities. */
typedef struct data {
    double product[N * N], with[N]; /* features with features, with scores */
    double square;                  /* of the scores */
    double count, log_variance;     /* sums over groups */
} data;

/* What is supposed about the map. */
typedef struct guess {
    double noise, scale;
    double face; /* mean of a before the data */
} guess;

static void gather(const wf__belief *b, int map, data *d)
{
    memset(d, 0, sizeof(*d));
    for (int k = 0; k < WF__BELIEF_GROUPS; k++) {
        const group *g = &b->group[k];
        if (g->count < 2)
            continue;
        double mean = g->score[map] / g->count;
        double variance = fmax(g->square[map] / g->count - mean * mean, 1e-8);
        double share = 1 / variance;
        for (int i = 0; i < N; i++)
            for (int j = 0; j <= i; j++)
                d->product[i * N + j] +=
                    share *
                    (g->product[i * N + j] - g->sum[i] * g->sum[j] / g->count);
        for (int i = 0; i < N; i++)
            d->with[i] += share * (g->with[map][i] - mean * g->sum[i]);
        d->square += share * variance * g->count;
        d->count += g->count - 1;
        d->log_variance += (g->count - 1) * log(variance);
    }
}

/* The posterior under a guess. */
static wf_status solve(const data *d, guess s, wf__posterior *out,
                       wf_error *err)
{
    const double sd = WF__PRIOR_MEAN_SD, *last = d->product + R * N;
    double before = R * log(s.scale) + 2 * log(sd);
    /* Of the scores without the prior's mean. */
    double square =
        d->square - 2 * s.face * d->with[R] + s.face * s.face * last[R];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j <= i; j++)
            out->factor[i * N + j] = d->product[i * N + j] / s.noise;
        out->factor[i * N + i] += i < R ? 1 / s.scale : 1 / (sd * sd);
        out->mean[i] = (d->with[i] - s.face * last[i]) / s.noise;
    }
    WF__TRY(wf__cholesky(out->factor, N, err));
    double half[N], explained = 0;
    memcpy(half, out->mean, sizeof(half));
    wf__cholesky_forward(out->factor, N, half);
    for (int i = 0; i < N; i++)
        explained += half[i] * half[i];
    wf__cholesky_solve(out->factor, N, out->mean);
    out->evidence = -0.5 * (square / s.noise - explained + before +
                            wf__cholesky_log_determinant(out->factor, N) +
                            d->count * log(s.noise) + d->log_variance);
    out->mean[R] += s.face;
    out->noise = s.noise;
    out->scale = s.scale;
    return WF_OK;
}

static const double noises[] = {0.1, 0.3, 0.6, 1};
static const double scales[] = {0.1, 0.3, 1, 3};

/* One step towards more evidence, from (noise, scale) to a neighbour. */
static wf_status climb(const data *d, double face, int *noise, int *scale,
                       wf__posterior *best, wf__posterior *one, bool *climbed,
                       wf_error *err)
{
    static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    int from_noise = *noise, from_scale = *scale;
    *climbed = false;
    for (int k = 0; k < 4; k++) {
        int i = from_noise + steps[k][0], j = from_scale + steps[k][1];
        if (i < 0 || i >= (int)WF__COUNT(noises) || j < 0 ||
            j >= (int)WF__COUNT(scales))
            continue;
        WF__TRY(solve(d, (guess){noises[i], scales[j], face}, one, err));
        if (one->evidence <= best->evidence)
            continue;
        *best = *one;
        *noise = i;
        *scale = j;
        *climbed = true;
    }
    return WF_OK;
}

/* The noise and scale with most evidence; `one` is room for another. */
static wf_status find_best(const data *d, double face, wf__posterior *best,
                           wf__posterior *one, wf_error *err)
{
    int noise = 1, scale = 2; /* where most maps end */
    bool climbed = true;
    WF__TRY(solve(d, (guess){noises[noise], scales[scale], face}, best, err));
    while (climbed)
        WF__TRY(climb(d, face, &noise, &scale, best, one, &climbed, err));
    return WF_OK;
}

wf_status wf__belief_posterior(const wf__belief *b, int map, wf__posterior *out,
                               wf_error *err)
{
    data *d = wf__alloc(1, sizeof(*d));
    wf__posterior *other = wf__alloc(2, sizeof(*other));
    wf_status st = WF_OK;
    if (!d || !other)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a regression");
    gather(b, map, d);
    WF__TRY_GOTO(find_best(d, b->share[map], out, other, err), done);
    WF__TRY_GOTO(find_best(d, 0, other, other + 1, err), done);
    double support = out->evidence - other->evidence;
    if (support < 0)
        *out = *other;
    out->support = support;
done:
    wf__free(other);
    wf__free(d);
    return st;
}

/* size * (basis * u + mean * u[R]) */
static void to_weights(const wf__belief *b, const double *u, double *weights)
{
    for (int k = 0; k < WF__FIELD_CELLS; k++) {
        double sum = b->prior->mean[k] * u[R];
        for (int j = 0; j < R; j++)
            sum += b->prior->basis[k * R + j] * u[j];
        weights[k] = b->size * sum;
    }
}

void wf__posterior_weights(const wf__belief *b, const wf__posterior *p,
                           const double *normal, double *weights)
{
    double u[N] = {0};
    if (normal) {
        memcpy(u, normal, sizeof(u));
        wf__cholesky_backward(p->factor, N, u);
    }
    for (int i = 0; i < N; i++)
        u[i] += p->mean[i];
    to_weights(b, u, weights);
}

void wf__posterior_factor(const wf__belief *b, const wf__posterior *p,
                          double *factor)
{
    for (int i = 0; i < N; i++) {
        double u[N] = {0}, weights[WF__FIELD_CELLS];
        u[i] = 1;
        wf__cholesky_backward(p->factor, N, u);
        to_weights(b, u, weights);
        for (int k = 0; k < WF__FIELD_CELLS; k++)
            factor[k * N + i] = weights[k];
    }
}
