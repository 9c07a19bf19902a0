/*
 * usage: TARGET [FILE...]
 *        TARGET --write FOLDER
 *
 * Runs the files given, or else the seeds with a fixed number of mutations of
 * each, the same every time.  --write stores the seeds, for libFuzzer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define MUTATIONS 20000
#define MAX_FILE  (1 << 24)

static uint64_t state = 88172645463325252u;

/* Xorshift (Marsaglia, 2003). */
static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* One to eight changes: bytes set, bits turned, stretches cut or repeated. */
static size_t mutate(uint8_t *data, size_t size, size_t capacity)
{
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '('};
    for (uint64_t n = 1 + draw(8); n > 0 && size > 0; n--) {
        size_t at = draw(size), length = 1 + draw(16);
        switch (draw(5)) {
        case 0:
            data[at] = telling[draw(sizeof(telling))];
            break;
        case 1:
            data[at] ^= (uint8_t)(1u << draw(8));
            break;
        case 2:
            size = at + 1;
            break;
        case 3:
            length = length < size - at ? length : size - at;
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
            break;
        default:
            length = length < size - at ? length : size - at;
            if (size + length > capacity)
                break;
            memmove(data + at + length, data + at, size - at);
            size += length;
        }
    }
    return size;
}

static void run_mutations(const uint8_t *seed, size_t size)
{
    size_t capacity = size + 256;
    for (int i = 0; i < MUTATIONS; i++) {
        uint8_t *work = malloc(capacity);
        memcpy(work, seed, size);
        size_t changed = mutate(work, size, capacity);
        /* A block of just that size, so that reading beyond it shows. */
        uint8_t *exact = malloc(changed + 1);
        memcpy(exact, work, changed);
        LLVMFuzzerTestOneInput(exact, changed);
        free(exact);
        free(work);
    }
}

static int run_file(const char *path)
{
    uint8_t *data = malloc(MAX_FILE);
    FILE *file = fopen(path, "rb");
    if (!file || !data) {
        fprintf(stderr, "cannot read '%s'\n", path);
        return 1;
    }
    size_t size = fread(data, 1, MAX_FILE, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int write_seeds(const char *folder)
{
    uint8_t *seed;
    size_t size;
    for (int i = 0; fuzz_seed(i, &seed, &size); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/seed%d", folder, i);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(seed, 1, size, file) != size || fclose(file)) {
            fprintf(stderr, "cannot write '%s'\n", path);
            return 1;
        }
        free(seed);
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t *seed;
    size_t size;
    int seeds = 0, status = 0;
    if (argc == 3 && !strcmp(argv[1], "--write"))
        return write_seeds(argv[2]);
    for (int i = 1; i < argc; i++)
        status |= run_file(argv[i]);
    for (; argc == 1 && fuzz_seed(seeds, &seed, &size); seeds++) {
        LLVMFuzzerTestOneInput(seed, size);
        run_mutations(seed, size);
        free(seed);
    }
    if (argc == 1)
        printf("%d seeds, %d mutations of each\n", seeds, MUTATIONS);
    return status;
}
