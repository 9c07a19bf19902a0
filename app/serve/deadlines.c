#include "app/serve/deadlines.h"

#include <sys/socket.h>

int app_deadlines_add(app_deadlines *d, int socket, double end)
{
    int slot = -1;
    pthread_mutex_lock(&d->lock);
    for (int i = 0; i < APP_CONNECTIONS && slot < 0; i++)
        if (d->slots[i].socket == 0)
            slot = i;
    if (slot >= 0) {
        d->slots[slot].socket = socket;
        d->slots[slot].end = end;
    }
    pthread_mutex_unlock(&d->lock);
    return slot;
}

void app_deadlines_move(app_deadlines *d, int slot, double end)
{
    pthread_mutex_lock(&d->lock);
    if (slot >= 0)
        d->slots[slot].end = end;
    pthread_mutex_unlock(&d->lock);
}

void app_deadlines_remove(app_deadlines *d, int slot)
{
    pthread_mutex_lock(&d->lock);
    if (slot >= 0)
        d->slots[slot].socket = 0;
    pthread_mutex_unlock(&d->lock);
}

void app_deadlines_enforce(app_deadlines *d, double now)
{
    pthread_mutex_lock(&d->lock);
    for (int i = 0; i < APP_CONNECTIONS; i++)
        if (d->slots[i].socket && d->slots[i].end < now)
            shutdown(d->slots[i].socket, SHUT_RDWR);
    pthread_mutex_unlock(&d->lock);
}
