#include "base/tuning.h"

#include "base/cpu.h"
#include "base/fileio.h"

#define MAX_BYTES ((size_t)1 << 20)

typedef struct fact {
    struct fact *next;
    char *name, *value;
} fact;

struct wf__tuning {
    fact *facts; /* the newest first */
};

/* "whyface 0.1.0, AMD EPYC, isa 3" */
static void machine_line(char *buf, size_t size)
{
    char cpu[100] = "unknown processor", line[256];
    int isa = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "model name : %99[^\n]", cpu) == 1)
            break;
    if (file)
        fclose(file);
    for (int what = WF__CPU_GENERIC; what <= WF__CPU_AVX512_BF16; what++)
        isa += wf__cpu_has((wf__cpu)what);
    snprintf(buf, size, "whyface %d.%d.%d, %s, isa %d", WF_VERSION_MAJOR,
             WF_VERSION_MINOR, WF_VERSION_PATCH, cpu, isa);
}

static fact *find(const wf__tuning *tuning, const char *name)
{
    fact *f = tuning ? tuning->facts : NULL;
    while (f && strcmp(f->name, name))
        f = f->next;
    return f;
}

static bool put(wf__tuning *tuning, const char *name, size_t name_length,
                const char *value, size_t value_length)
{
    fact *f = wf__calloc(1, sizeof(*f));
    if (!f)
        return false;
    f->name = wf__strndup(name, name_length);
    f->value = wf__strndup(value, value_length);
    f->next = tuning->facts;
    tuning->facts = f;
    return f->name && f->value;
}

/* False: no memory. */
static bool parse(wf__tuning *tuning, const char *text, size_t size)
{
    char machine[200];
    const char *end = text + size;
    machine_line(machine, sizeof(machine));
    size_t length = strlen(machine);
    if (size <= length || memcmp(text, machine, length) || text[length] != '\n')
        return true;
    for (const char *line = text + length + 1; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            break;
        const char *tab = memchr(line, '\t', (size_t)(stop - line));
        if (tab && !put(tuning, line, (size_t)(tab - line), tab + 1,
                        (size_t)(stop - tab - 1)))
            return false;
        line = stop + 1;
    }
    return true;
}

wf__tuning *wf__tuning_read(const char *path)
{
    wf__bytes bytes;
    wf__tuning *tuning = wf__calloc(1, sizeof(*tuning));
    if (!tuning ||
        wf__bytes_open(path, "measurements", MAX_BYTES, &bytes, NULL) != WF_OK)
        return tuning;
    bool parsed = parse(tuning, (const char *)bytes.data, bytes.size);
    wf__bytes_close(&bytes);
    if (parsed)
        return tuning;
    wf__tuning_free(tuning);
    return NULL;
}

void wf__tuning_free(wf__tuning *tuning)
{
    while (tuning && tuning->facts) {
        fact *next = tuning->facts->next;
        wf__free(tuning->facts->name);
        wf__free(tuning->facts->value);
        wf__free(tuning->facts);
        tuning->facts = next;
    }
    wf__free(tuning);
}

const char *wf__tuning_get(const wf__tuning *tuning, const char *name)
{
    const fact *f = find(tuning, name);
    return f ? f->value : NULL;
}

wf_status wf__tuning_set(wf__tuning *tuning, const char *name,
                         const char *value, wf_error *err)
{
    fact *f = find(tuning, name);
    char *copy = f ? wf__strdup(value) : NULL;
    if (f && copy) {
        wf__free(f->value);
        f->value = copy;
        return WF_OK;
    }
    if (f || !put(tuning, name, strlen(name), value, strlen(value)))
        WF__FAIL(err, WF_ENOMEM, "out of memory for measurements");
    return WF_OK;
}

wf_status wf__tuning_write(const wf__tuning *tuning, const char *path,
                           wf_error *err)
{
    char machine[200];
    wf__outfile file;
    machine_line(machine, sizeof(machine));
    WF__TRY(wf__outfile_open(path, &file, err));
    fprintf(file.stream, "%s\n", machine);
    for (const fact *f = tuning->facts; f; f = f->next)
        fprintf(file.stream, "%s\t%s\n", f->name, f->value);
    return wf__outfile_commit(&file, err);
}
