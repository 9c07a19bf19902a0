#include "app/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "app/json.h"

/* ---- facts --------------------------------------------------------------- */

static void read_cpu(char *buf, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(buf, size, "unknown processor");
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(buf, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (file)
        fclose(file);
}

static double read_load(void)
{
    double load = NAN;
    FILE *file = fopen("/proc/loadavg", "r");
    if (file && fscanf(file, "%lf", &load) != 1)
        load = NAN;
    if (file)
        fclose(file);
    return load;
}

void app_machine_read(const wf_ctx *ctx, app_machine *machine)
{
    *machine = (app_machine){.threads = wf_ctx_threads(ctx),
                             .processors = (int)sysconf(_SC_NPROCESSORS_ONLN),
                             .load = read_load()};
    read_cpu(machine->cpu, sizeof(machine->cpu));
    wf_build_info(machine->build, sizeof(machine->build));
}

void app_machine_fact(const app_machine *machine, const char *key, char *buf,
                      size_t size)
{
    size_t n = strlen(key);
    *buf = '\0';
    for (const char *p = machine->build; *p;) {
        size_t length = strcspn(p, "\n");
        if (length > n + 2 && !strncmp(p, key, n) && p[n] == ':')
            snprintf(buf, size, "%.*s", (int)(length - n - 2), p + n + 2);
        p += length + (p[length] == '\n');
    }
}

json_t *app_machine_json(const app_machine *machine)
{
    char version[64], compiler[128], engine[128];
    app_machine_fact(machine, "version", version, sizeof(version));
    app_machine_fact(machine, "compiler", compiler, sizeof(compiler));
    app_machine_fact(machine, "engine", engine, sizeof(engine));
    return json_pack("{s:s s:i s:i s:o s:s s:s s:s}", "cpu", machine->cpu,
                     "processors", machine->processors, "threads",
                     machine->threads, "load", app_number(machine->load),
                     "whyface", version, "compiler", compiler, "engine",
                     engine);
}

/* ---- who uses the processors --------------------------------------------- */

app_usage app_usage_now(void)
{
    app_usage usage = {NAN, NAN, 0};
    double user, nice, system, idle, iowait, irq, softirq, steal;
    struct timespec t;
    struct rusage ended;
    FILE *file = fopen("/proc/stat", "r");
    if (file &&
        fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice,
               &system, &idle, &iowait, &irq, &softirq, &steal) == 8)
        usage.machine = (user + nice + system + irq + softirq + steal) /
                        (double)sysconf(_SC_CLK_TCK);
    if (file)
        fclose(file);
    if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
        usage.own = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    if (!getrusage(RUSAGE_CHILDREN, &ended))
        usage.children =
            (double)(ended.ru_utime.tv_sec + ended.ru_stime.tv_sec) +
            1e-6 * (double)(ended.ru_utime.tv_usec + ended.ru_stime.tv_usec);
    return usage;
}
