/* How many jobs each client may begin in a minute. */
#ifndef APP_SERVE_RATES_H
#define APP_SERVE_RATES_H

#define APP_RATES_SEEN 256

/* For one thread; begin as {.per_minute = N}. */
typedef struct app_rates {
    double per_minute;
    struct {
        char address[64];
        double left, when; /* jobs that may begin, at that time */
    } seen[APP_RATES_SEEN];
} app_rates;

/*
 * Counts a job of that address (of IPv6 its first half, which is what one
 * client has).  0, or the seconds after which it may come again.
 */
double app_rates_take(app_rates *rates, const char *address, double now);

#endif
