#include "testing.h"

#include <math.h>

#include "base/random.h"
#include "method/coalitions.h"

static double random_value(uint32_t i)
{
    uint32_t words[4];
    wf__random4(11, WF__STREAM_TEST_IMAGE, i, 0, words);
    return (double)wf__random_unit(words[0]);
}

static double factorial(int n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

/* By definition: mean gain of a player over all orders of the players.
 * `game` has a score for each set of players, a bit each. */
static double shapley(const double *game, int players, int player)
{
    double sum = 0;
    for (int set = 0; set < 1 << players; set++) {
        if (set >> player & 1)
            continue;
        int size = __builtin_popcount((unsigned)set);
        sum += factorial(size) * factorial(players - size - 1) /
               factorial(players) * (game[set | 1 << player] - game[set]);
    }
    return sum;
}

static int set_of(const wf__coalitions *c, size_t i)
{
    double in[64];
    int set = 0;
    wf__coalitions_members(c, i, in);
    for (int k = 0; k < c->players; k++)
        set |= (int)in[k] << k;
    return set;
}

/* With all coalitions the values are exact: two random games of 1 to 8. */
static void test_exact(void **state)
{
    (void)state;
    for (int players = 1; players <= 8; players++) {
        size_t all = ((size_t)1 << players) - 2;
        double games[2][256], scores[2 * 256], values[2 * 8];
        wf__coalitions c;
        for (int set = 0; set < 1 << players; set++)
            for (int g = 0; g < 2; g++)
                games[g][set] = random_value((uint32_t)(2 * set + g));
        ASSERT_OK(wf__coalitions_create(&c, players, 1000, 1, err));
        assert_int_equal(c.n, all);
        for (size_t i = 0; i < all; i++)
            for (int g = 0; g < 2; g++)
                scores[2 * i + (size_t)g] = games[g][set_of(&c, i)];
        double nobody[2] = {games[0][0], games[1][0]};
        double everybody[2] = {games[0][all + 1], games[1][all + 1]};
        ASSERT_OK(wf__coalitions_solve(&c, scores, nobody, everybody, 2, values,
                                       err));
        for (int g = 0; g < 2; g++)
            for (int k = 0; k < players; k++)
                assert_true(fabs(values[g * players + k] -
                                 shapley(games[g], players, k)) < 1e-6);
        wf__coalitions_free(&c);
    }
}

/* Players that only add up: any coalitions show their values, if there are
 * enough of them. */
static void test_additive(void **state)
{
    enum { PLAYERS = 70, MOST = 500 };
    static double scores[MOST], values[PLAYERS], worth[PLAYERS];
    double in[PLAYERS], nobody = 0.25, everybody = nobody;
    wf__coalitions c;
    (void)state;
    for (int k = 0; k < PLAYERS; k++)
        everybody += worth[k] = random_value((uint32_t)k) - 0.5;
    ASSERT_OK(wf__coalitions_create(&c, PLAYERS, MOST, 1, err));
    assert_int_equal(c.n, MOST);
    for (size_t i = 0; i < c.n; i++) {
        wf__coalitions_members(&c, i, in);
        scores[i] = nobody;
        for (int k = 0; k < PLAYERS; k++)
            scores[i] += in[k] * worth[k];
    }
    ASSERT_OK(
        wf__coalitions_solve(&c, scores, &nobody, &everybody, 1, values, err));
    for (int k = 0; k < PLAYERS; k++)
        assert_true(fabs(values[k] - worth[k]) < 1e-6);
    wf__coalitions_free(&c);
}

/* Fewer coalitions than players still add up. */
static void test_few(void **state)
{
    double scores[15], values[50], nobody = 0.1, everybody = 0.9, sum = 0;
    wf__coalitions c;
    (void)state;
    ASSERT_OK(wf__coalitions_create(&c, 50, 15, 1, err));
    assert_int_equal(c.n, 15);
    for (uint32_t i = 0; i < 15; i++)
        scores[i] = random_value(i);
    ASSERT_OK(
        wf__coalitions_solve(&c, scores, &nobody, &everybody, 1, values, err));
    for (int k = 0; k < 50; k++)
        sum += values[k];
    assert_true(fabs(sum - 0.8) < 1e-9);
    wf__coalitions_free(&c);
}

static int size_of(const wf__coalitions *c, size_t i)
{
    double in[70];
    int size = 0;
    wf__coalitions_members(c, i, in);
    for (int k = 0; k < c->players; k++)
        size += (int)in[k];
    return size;
}

/*
 * 20 players, 300 coalitions.  Shares by size, 2 / (s (20 - s)) over their sum,
 * are 0.2967 for 1 (89 of 300 for 40: all), of the rest 0.2227 for 2 (58 of
 * 260 for 380: not all).  So the sizes 1 and 19 are complete, all others drawn
 * in pairs.
 */
static void test_sizes(void **state)
{
    wf__coalitions c, again;
    double weight[21] = {0}, total = 0, all = 0;
    int count[21] = {0};
    (void)state;
    ASSERT_OK(wf__coalitions_create(&c, 20, 300, 7, err));
    for (size_t i = 0; i < c.n; i++) {
        int size = size_of(&c, i);
        count[size]++;
        weight[size] += c.weights[i];
        total += c.weights[i];
        for (size_t k = 0; k < i; k++)
            assert_true(c.bits[i] != c.bits[k]);
    }
    for (int s = 1; s < 20; s++)
        all += 19.0 / (s * (20 - s));
    assert_int_equal(c.n, 300);
    assert_int_equal(count[0] + count[20], 0);
    assert_int_equal(count[1], 20);
    assert_int_equal(count[19], 20);
    assert_true(fabs(total - 1) < 1e-12);
    assert_true(fabs(weight[1] - 1 / all) < 1e-12);
    for (int s = 2; s < 10; s++) {
        assert_true(count[s] > 4 && count[s] < 60);
        assert_true(abs(count[s] - count[20 - s]) <= 1);
        assert_true(fabs(weight[s] * s * (20 - s) * all / 19 - 1) < 0.6);
    }
    ASSERT_OK(wf__coalitions_create(&again, 20, 300, 7, err));
    assert_memory_equal(c.bits, again.bits, 300 * sizeof(*c.bits));
    wf__coalitions_free(&again);
    ASSERT_OK(wf__coalitions_create(&again, 20, 300, 8, err));
    assert_memory_not_equal(c.bits, again.bits, 300 * sizeof(*c.bits));
    wf__coalitions_free(&again);
    wf__coalitions_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact), cmocka_unit_test(test_additive),
        cmocka_unit_test(test_few), cmocka_unit_test(test_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
