#include "app/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/progress.h"

/* How often a running program is looked at, and its memory: every 4th time. */
#define LOOK_NS 5000000L

static pid_t start(const char *const *argv, int in, int out, int err)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    signal(SIGPIPE, SIG_DFL);
    if (getenv(APP_OWN_SPINCOUNT)) {
        unsetenv("GOMP_SPINCOUNT");
        unsetenv(APP_OWN_SPINCOUNT);
    }
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvp(argv[0], (char *const *)argv);
    fprintf(stderr, "cannot run '%s': %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* The last line of a file that is not empty. */
static void last_line(FILE *file, char *buf, size_t size)
{
    char *line = NULL;
    size_t capacity = 0;
    snprintf(buf, size, "it said nothing");
    rewind(file);
    while (getline(&line, &capacity, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (*line)
            snprintf(buf, size, "%s", line);
    }
    free(line);
}

static int read_answer(app_child *child)
{
    ssize_t n = getline(&child->line, &child->capacity, child->from);
    if (n <= 0)
        return 0;
    child->line[strcspn(child->line, "\n")] = '\0';
    return 1;
}

/* No other child may hold these ends, or none would see the other's end. */
static int private_pipe(int ends[2])
{
    if (pipe(ends))
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

int app_child_start(const char *const *argv, app_child *child, char *why,
                    size_t size)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    *child = (app_child){.errors = tmpfile()};
    snprintf(why, size, "cannot start '%s'", argv[0]);
    if (child->errors && !private_pipe(in) && !private_pipe(out)) {
        child->to = fdopen(in[1], "w");
        child->from = fdopen(out[0], "r");
        child->pid = start(argv, in[0], out[1], fileno(child->errors));
        close(in[0]);
        close(out[1]);
    }
    if (child->pid > 0 && child->to && child->from && read_answer(child)) {
        *why = '\0';
        return 1;
    }
    if (child->pid > 0) {
        waitpid(child->pid, NULL, 0);
        child->pid = 0;
        last_line(child->errors, why, size);
    }
    app_child_stop(child);
    return 0;
}

int app_child_ask(app_child *child, const char *question)
{
    if (child->pid <= 0)
        return 0;
    if (fprintf(child->to, "%s\n", question) < 0 || fflush(child->to))
        return 0;
    return read_answer(child);
}

void app_child_stop(app_child *child)
{
    if (child->pid > 0) {
        /* A program in the middle of its work would read this much later. */
        kill(child->pid, SIGTERM);
        waitpid(child->pid, NULL, 0);
    }
    if (child->to)
        fclose(child->to);
    if (child->from)
        fclose(child->from);
    if (child->errors)
        fclose(child->errors);
    free(child->line);
    *child = (app_child){0};
}

double app_child_seconds(const app_child *child)
{
    clockid_t clock;
    struct timespec t;
    if (child->pid <= 0 || clock_getcpuclockid(child->pid, &clock) ||
        clock_gettime(clock, &t))
        return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*
 * The most memory that a running program has held so far (VmHWM), MiB; `known`
 * where it cannot be read.  What wait4 tells begins with the memory of this
 * process at the time of fork.
 */
static double peak_of(pid_t pid, double known)
{
    char path[64], line[256];
    double kib;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmHWM: %lf kB", &kib) == 1)
            known = kib / 1024;
    if (file)
        fclose(file);
    return known;
}

/* Waits for the end, or ends the program when the command is interrupted. */
static int wait_for(pid_t pid, double *peak_mib)
{
    const struct timespec look = {0, LOOK_NS};
    int status = 0, killed = 0;
    for (unsigned looks = 0;; looks++) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            break;
        if (ended < 0 && errno != EINTR)
            return APP_FAILED;
        if (app_interrupted() && !killed++)
            kill(pid, SIGTERM);
        if (looks % 4 == 0)
            *peak_mib = peak_of(pid, *peak_mib);
        nanosleep(&look, NULL);
    }
    if (app_interrupted())
        return APP_INTERRUPTED;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? APP_OK : APP_FAILED;
}

static char *read_all(FILE *file)
{
    long size = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(file);
    if (text)
        text[fread(text, 1, (size_t)size, file)] = '\0';
    return text;
}

int app_child_run(const char *const *argv, app_run *run)
{
    FILE *out = tmpfile(), *errors = tmpfile();
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), status = APP_FAILED;
    *run = (app_run){0};
    snprintf(run->said, sizeof(run->said), "cannot start '%s'", argv[0]);
    fflush(stdout);
    if (out && errors && nothing >= 0) {
        double begin = app_now();
        pid_t pid = start(argv, nothing, fileno(out), fileno(errors));
        if (pid > 0) {
            status = wait_for(pid, &run->peak_mib);
            run->seconds = app_now() - begin;
            run->output = read_all(out);
            last_line(errors, run->said, sizeof(run->said));
        }
    }
    if (nothing >= 0)
        close(nothing);
    if (out)
        fclose(out);
    if (errors)
        fclose(errors);
    return status;
}
