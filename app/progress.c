#include "app/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 24
/* Seconds between two drawings. */
#define INTERVAL 0.1

/* Read by other threads than that which has the signal. */
static atomic_int interrupted;

static struct {
    int shown, drawn;
    char stage[64];
    uint64_t first; /* units that were done when the stage began */
    double stage_start, last;
} bar;

/* Total 0: there is none. */
static struct {
    const char *stage;
    uint64_t done, total;
} frame;

static void on_signal(int number)
{
    int code = errno;
    interrupted = 1;
    signal(number, SIG_DFL);
    errno = code;
}

void app_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A closed pipe or a full file limit shows as a failed write. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int app_interrupted(void)
{
    return interrupted;
}

double app_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void draw(uint64_t done, uint64_t total, double now)
{
    char line[BAR_WIDTH + 1];
    uint64_t filled = total ? BAR_WIDTH * done / total : 0;
    for (uint64_t i = 0; i < BAR_WIDTH; i++)
        line[i] = i < filled ? '#' : '.';
    line[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r\033[K%-16s [%s] %" PRIu64 "/%" PRIu64, bar.stage, line,
            done, total);
    if (done > bar.first && done < total) {
        double left = (now - bar.stage_start) * (double)(total - done) /
                      (double)(done - bar.first);
        fprintf(stderr, left < 90 ? "  %.0f s left" : "  %.0f min left",
                left < 90 ? left : left / 60);
    }
    fflush(stderr);
    bar.drawn = 1;
}

int app_progress(const char *stage, uint64_t done, uint64_t total)
{
    double now = app_now();
    if (frame.total) {
        stage = frame.stage;
        done = frame.done;
        total = frame.total;
    }
    if (strcmp(stage, bar.stage)) {
        snprintf(bar.stage, sizeof(bar.stage), "%s", stage);
        bar.first = done;
        bar.stage_start = now;
        bar.last = 0;
    }
    /* Short work shows nothing. */
    if (bar.shown && total > 1 && now - bar.last > INTERVAL) {
        draw(done, total, now);
        bar.last = now;
    }
    return interrupted;
}

int app_progress_frame(const char *stage, uint64_t done, uint64_t total)
{
    frame.stage = stage;
    frame.done = done;
    frame.total = total;
    return total ? app_progress(stage, done, total) : interrupted;
}

static int on_progress(const char *stage, uint64_t done, uint64_t total,
                       void *user)
{
    (void)user;
    return app_progress(stage, done, total);
}

void app_watch(wf_ctx *ctx, int quiet)
{
    bar.shown = !quiet && isatty(STDERR_FILENO);
    wf_ctx_set_progress(ctx, on_progress, NULL);
}

void app_progress_end(void)
{
    if (bar.drawn)
        fputs("\r\033[K", stderr);
    bar.drawn = 0;
}
