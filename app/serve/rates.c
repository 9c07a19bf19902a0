#include "app/serve/rates.h"

#include <stdio.h>
#include <string.h>

/* "2001:db8:1:2:3:4:5:6" to "2001:db8:1:2": four groups, or up to "::". */
static int network_length(const char *address)
{
    int groups = 0, i;
    for (i = 0; address[i]; i++)
        if (address[i] == ':' && (++groups == 4 || address[i + 1] == ':'))
            break;
    return i;
}

double app_rates_take(app_rates *r, const char *address, double now)
{
    char key[sizeof(r->seen[0].address)];
    size_t at = 0;
    snprintf(key, sizeof(key), "=%.*s", network_length(address), address);
    for (size_t i = 0; i < APP_RATES_SEEN; i++) {
        if (!strcmp(r->seen[i].address, key)) {
            at = i;
            break;
        }
        if (r->seen[i].when < r->seen[at].when) /* seen longest ago */
            at = i;
    }
    if (strcmp(r->seen[at].address, key)) {
        memcpy(r->seen[at].address, key, sizeof(key));
        r->seen[at].left = r->per_minute;
    } else {
        r->seen[at].left += (now - r->seen[at].when) * r->per_minute / 60;
    }
    r->seen[at].when = now;
    if (r->seen[at].left > r->per_minute)
        r->seen[at].left = r->per_minute;
    if (r->seen[at].left < 1)
        return (1 - r->seen[at].left) * 60 / r->per_minute;
    r->seen[at].left--;
    return 0;
}
