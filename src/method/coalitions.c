#include "method/coalitions.h"

#include <math.h>

#include "base/random.h"
#include "method/linear.h"

/* ---- a set of coalitions ------------------------------------------------- */

/* The list while it grows, with a table to find a coalition again. */
typedef struct builder {
    wf__coalitions *c;
    size_t most;
    size_t *slots; /* index + 1 of a coalition, 0: free; open addressing */
    size_t mask;   /* slots - 1, a power of two less one */
    uint64_t *row, *other;
    int *players; /* scratch */
} builder;

static size_t hash(const uint64_t *row, size_t words)
{
    uint64_t h = 0;
    for (size_t i = 0; i < words; i++) {
        h = (h ^ row[i]) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    return (size_t)h;
}

/* Where `row` is or could be. */
static size_t *find(const builder *b, const uint64_t *row)
{
    size_t words = b->c->words, at = hash(row, words) & b->mask;
    while (b->slots[at] && memcmp(b->c->bits + (b->slots[at] - 1) * words, row,
                                  words * sizeof(*row)) != 0)
        at = (at + 1) & b->mask;
    return &b->slots[at];
}

/* A new coalition if there is room, or more weight to one that is there. */
static void add(builder *b, const uint64_t *row, double weight)
{
    wf__coalitions *c = b->c;
    size_t *slot = find(b, row);
    if (!*slot && c->n == b->most)
        return;
    if (!*slot) {
        memcpy(c->bits + c->n * c->words, row, c->words * sizeof(*row));
        c->weights[c->n] = 0;
        *slot = ++c->n;
    }
    c->weights[*slot - 1] += weight;
}

static void complement(const builder *b, const uint64_t *row, uint64_t *other)
{
    const wf__coalitions *c = b->c;
    for (size_t i = 0; i < c->words; i++)
        other[i] = ~row[i];
    if (c->players % 64)
        other[c->words - 1] &= (UINT64_C(1) << c->players % 64) - 1;
}

/* The first `size` of b->players, and all others. */
static void add_pair(builder *b, int size, bool paired, double weight)
{
    memset(b->row, 0, b->c->words * sizeof(*b->row));
    for (int i = 0; i < size; i++)
        b->row[b->players[i] / 64] |= UINT64_C(1) << b->players[i] % 64;
    add(b, b->row, weight);
    if (!paired)
        return;
    complement(b, b->row, b->other);
    add(b, b->other, weight);
}

/* ---- which coalitions ---------------------------------------------------- */

/*
 * Sizes s = 1..(players - 1) / 2 stand for their complements too; with an even
 * number of players, half of them are a size without a partner.
 */
static bool is_paired(int players, int size)
{
    return 2 * size != players;
}

/* Shapley kernel weight of all coalitions of a size and its partner, up to a
 * factor: binomial(M, s) times (M - 1) / (binomial(M, s) s (M - s)). */
static double size_weight(int players, int size)
{
    double weight = (players - 1.0) / ((double)size * (players - size));
    return is_paired(players, size) ? 2 * weight : weight;
}

/* How many coalitions have that size or its partner's; may be infinite. */
static double size_count(int players, int size)
{
    double count = is_paired(players, size) ? 2 : 1;
    for (int i = 0; i < size; i++)
        count *= (double)(players - i) / (i + 1);
    return round(count);
}

/* The next combination of `size` of n in lexicographic order. */
static bool advance(int *chosen, int size, int n)
{
    int i = size - 1;
    while (i >= 0 && chosen[i] == n - size + i)
        i--;
    if (i < 0)
        return false;
    chosen[i]++;
    for (int k = i + 1; k < size; k++)
        chosen[k] = chosen[k - 1] + 1;
    return true;
}

static void add_all_of_size(builder *b, int size, double weight)
{
    int players = b->c->players;
    for (int i = 0; i < size; i++)
        b->players[i] = i;
    do
        add_pair(b, size, is_paired(players, size), weight);
    while (advance(b->players, size, players));
}

/* Draws coalition `index` of a random size from `first` up. */
static void add_random(builder *b, int first, double total, uint64_t seed,
                       uint32_t index)
{
    int players = b->c->players, size = first;
    uint32_t words[4];
    wf__random4(seed, WF__STREAM_DESIGN, index, 0, words);
    double left = (double)wf__random_unit(words[0]) * total;
    while (left >= size_weight(players, size) && size < players / 2)
        left -= size_weight(players, size++);
    for (int i = 0; i < players; i++)
        b->players[i] = i;
    for (int i = 0; i < size; i++) {
        wf__random4(seed, WF__STREAM_DESIGN, index, (uint32_t)i + 1, words);
        int k = i + (int)wf__random_below(words[0], (uint32_t)(players - i));
        int swapped = b->players[i];
        b->players[i] = b->players[k];
        b->players[k] = swapped;
    }
    add_pair(b, size, is_paired(players, size), 1);
}

/* Draws that find nothing new cost nothing, but have to end. */
#define DRAWS_FOR_ONE 4

static void choose(builder *b, uint64_t seed)
{
    wf__coalitions *c = b->c;
    int players = c->players, size = 1;
    double all = 0, done = 0;
    for (int s = 1; s <= players / 2; s++)
        all += size_weight(players, s);
    for (; size <= players / 2; size++) {
        double count = size_count(players, size);
        double weight = size_weight(players, size);
        double share = (double)(b->most - c->n) * weight / (all - done);
        if (share < count * (1 - 1e-8))
            break;
        add_all_of_size(b, size, weight / all / count);
        done += weight;
    }
    size_t first = c->n, draws = DRAWS_FOR_ONE * (b->most - first);
    if (size > players / 2)
        return;
    for (size_t i = 0; i < draws && c->n < b->most; i++)
        add_random(b, size, all - done, seed, (uint32_t)i);
    double drawn = 0;
    for (size_t i = first; i < c->n; i++)
        drawn += c->weights[i];
    for (size_t i = first; i < c->n; i++)
        c->weights[i] *= (1 - done / all) / drawn;
}

/* 2^players - 2, or `most` if that is less. */
static size_t count_all(int players, size_t most)
{
    if (players > 40)
        return most;
    return WF__MIN(most, ((size_t)1 << players) - 2);
}

wf_status wf__coalitions_create(wf__coalitions *c, int players, size_t most,
                                uint64_t seed, wf_error *err)
{
    builder b = {.c = c, .most = count_all(players, most), .mask = 7};
    wf_status st = WF_OK;
    *c = (wf__coalitions){.players = players,
                          .words = ((size_t)players + 63) / 64};
    while (b.mask < 2 * b.most)
        b.mask = 2 * b.mask + 1;
    b.slots = wf__calloc(b.mask + 1, sizeof(*b.slots));
    b.row = wf__alloc(c->words, sizeof(*b.row));
    b.other = wf__alloc(c->words, sizeof(*b.other));
    b.players = wf__alloc((size_t)players, sizeof(*b.players));
    c->bits = wf__alloc(b.most * c->words, sizeof(*c->bits));
    c->weights = wf__alloc(b.most, sizeof(*c->weights));
    if (!b.slots || !b.row || !b.other || !b.players || !c->bits || !c->weights)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %zu coalitions",
                      b.most);
    choose(&b, seed);
done:
    wf__free(b.slots);
    wf__free(b.row);
    wf__free(b.other);
    wf__free(b.players);
    if (st != WF_OK)
        wf__coalitions_free(c);
    return st;
}

void wf__coalitions_free(wf__coalitions *c)
{
    wf__free(c->bits);
    wf__free(c->weights);
    *c = (wf__coalitions){0};
}

void wf__coalitions_members(const wf__coalitions *c, size_t i, double *in)
{
    const uint64_t *row = c->bits + i * c->words;
    for (int k = 0; k < c->players; k++)
        in[k] = (double)(row[k / 64] >> k % 64 & 1);
}

/* ---- Shapley values ------------------------------------------------------ */

/* A share of the weights so small that it decides only what the coalitions
 * leave open, where they are fewer than the players. */
#define RIDGE 1e-9

/* Sums over coalitions: a = Z' W Z, b_g = Z' W (scores_g - nobody_g). */
static void accumulate(const wf__coalitions *c, const double *scores,
                       const double *nobody, int n_games, double *a, double *b,
                       double *in)
{
    double gain[2];
    for (size_t i = 0; i < c->n; i++) {
        for (int g = 0; g < n_games; g++)
            gain[g] = scores[i * (size_t)n_games + (size_t)g] - nobody[g];
        wf__coalitions_members(c, i, in);
        wf__normal_add(a, b, (size_t)c->players, in, c->weights[i], gain,
                       n_games);
    }
}

wf_status wf__coalitions_solve(const wf__coalitions *c, const double *scores,
                               const double *nobody, const double *all,
                               int n_games, double *values, wf_error *err)
{
    size_t n = (size_t)c->players;
    wf_status st = WF_OK;
    double *a = wf__calloc(n * n, sizeof(*a));
    double *ones = wf__alloc(n, sizeof(*ones)), sum_ones = 0;
    if (!a || !ones)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %zu players", n);
    memset(values, 0, (size_t)n_games * n * sizeof(*values));
    accumulate(c, scores, nobody, n_games, a, values, ones);
    for (size_t k = 0; k < n; k++)
        a[k * n + k] += RIDGE;
    WF__TRY_GOTO(wf__cholesky(a, n, err), done);
    for (size_t k = 0; k < n; k++)
        ones[k] = 1;
    wf__cholesky_solve(a, n, ones);
    for (size_t k = 0; k < n; k++)
        sum_ones += ones[k];
    /* Lagrange: A v = b - mu 1, where mu makes the values add up. */
    for (int g = 0; g < n_games; g++) {
        double *v = values + (size_t)g * n, sum = 0;
        wf__cholesky_solve(a, n, v);
        for (size_t k = 0; k < n; k++)
            sum += v[k];
        double mu = (sum - (all[g] - nobody[g])) / sum_ones;
        for (size_t k = 0; k < n; k++)
            v[k] -= mu * ones[k];
    }
done:
    wf__free(a);
    wf__free(ones);
    return st;
}
