#include <string.h>
#include <sys/resource.h>

#include "app/enrol.h"
#include "app/files.h"
#include "app/json.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"output", 'o', "FILE", "the index [in the whyface home]"},
    {"verbose", 'v', NULL, "name every photo that cannot be enrolled"},
    {"json", 0, NULL, "print JSON"},
    {0}};

/* Processor seconds of this process. */
static double processor_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static json_t *to_json(const app_enrolment *e, const app_gallery *gallery)
{
    json_t *seconds =
        json_pack("{s:f s:f s:f s:f s:f s:f s:f}", "load", e->seconds_load,
                  "detect", e->seconds_detect, "align", e->seconds_align,
                  "embed", e->seconds_embed, "store", e->seconds_store, "total",
                  e->seconds, "processor", processor_seconds());
    return json_pack(
        "{s:o s:I s:I s:I s:I s:I s:I s:I s:i s:o}", "index",
        app_text(app_gallery_path(gallery)), "photos", (json_int_t)e->photos,
        "unchanged", (json_int_t)e->unchanged, "enrolled",
        (json_int_t)e->enrolled, "failed", (json_int_t)e->failed, "faulty",
        (json_int_t)e->faulty, "forgotten", (json_int_t)e->forgotten, "ignored",
        (json_int_t)e->ignored, "threads", e->threads, "seconds", seconds);
}

static int run(const app_command *command, const app_args *args)
{
    app_session s;
    app_gallery *gallery;
    app_enrolment e;
    const char *folder = args->operands[0];
    const char *index = app_get(args, "output"), *rule = app_get(args, "face");
    int status = index ? app_check_writable(command, index) : APP_OK;
    if (status != APP_OK)
        return status;
    status = app_session_open(command, args, APP_MODEL | APP_DETECTOR, &s);
    if (status == APP_OK)
        status =
            app_enrol(&s, folder, rule ? rule : "largest", index, &gallery, &e);
    if (status == APP_OK) {
        if (app_has(args, "json"))
            status = app_json_print(command, to_json(&e, gallery));
        else if (!app_has(args, "quiet"))
            app_enrolment_print(&e, folder, gallery);
        app_gallery_close(gallery);
        if (status == APP_OK && e.faulty)
            status = e.faulty < e.photos ? APP_PARTLY : APP_FAILED;
    }
    app_session_close(&s);
    return status;
}

const app_command cli_enrol = {
    .name = "enrol",
    .operands = "FOLDER",
    .summary = "make the index of a gallery, or bring it up to date",
    .about =
        "Finds a face in each photo of FOLDER and of the folders below it, and "
        "keeps its\nembedding in an index, which 'whyface identify' searches.  "
        "Where a photo shows\nseveral faces, the largest is taken (--face "
        "chooses another).\n\nIt can be stopped at any time: the same command "
        "goes on behind what is done.\nRun again, it looks at photos that are "
        "new or have changed, and forgets those\nthat are gone.  Photos that "
        "cannot be read or show no face are named, kept as\nsuch in the index, "
        "and make the exit status 3.",
    .example = "whyface enrol --face centre gallery -o gallery.index",
    .options = options,
    .more = app_session_options,
    .least = 1,
    .most = 1,
    .run = run};
