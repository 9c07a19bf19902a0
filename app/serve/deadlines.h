/*
 * Connections that take too long are cut: the HTTP library's own timeout begins
 * anew with each byte, so that a client that sends one now and then would stay.
 */
#ifndef APP_SERVE_DEADLINES_H
#define APP_SERVE_DEADLINES_H

#include <pthread.h>

#define APP_CONNECTIONS 64

typedef struct app_deadlines {
    pthread_mutex_t lock;
    struct {
        int socket; /* 0: none */
        double end;
    } slots[APP_CONNECTIONS];
} app_deadlines;

/* A slot, or -1 if all are taken. */
int app_deadlines_add(app_deadlines *deadlines, int socket, double end);
void app_deadlines_move(app_deadlines *deadlines, int slot, double end);
/* Before the socket is closed. */
void app_deadlines_remove(app_deadlines *deadlines, int slot);
void app_deadlines_enforce(app_deadlines *deadlines, double now);

#endif
