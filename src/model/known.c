/* Models that need no manifest of the user's, by the hash of their file. */
#include <math.h>

#include "model/manifest.h"

void wf__arcface_points(int width, int height, float points[WF_LANDMARKS][2])
{
    /* For 112 x 112 (ArcFace, Deng et al. 2019). */
    static const float arcface[WF_LANDMARKS][2] = {{38.2946f, 51.6963f},
                                                   {73.5318f, 51.5014f},
                                                   {56.0252f, 71.7366f},
                                                   {41.5493f, 92.3655f},
                                                   {70.7299f, 92.2041f}};
    float side = (float)WF__MIN(width, height), scale = side / 112;
    for (int i = 0; i < WF_LANDMARKS; i++) {
        points[i][0] = arcface[i][0] * scale + ((float)width - side) / 2;
        points[i][1] = arcface[i][1] * scale + ((float)height - side) / 2;
    }
}

void wf_model_info_init(wf_model_info *info)
{
    *info = (wf_model_info){.struct_size = sizeof(*info),
                            .width = 112,
                            .height = 112,
                            .colour = WF_RGB};
    for (int c = 0; c < 3; c++) {
        info->mean[c] = 127.5f;
        info->scale[c] = 1 / 127.5f;
    }
    wf__arcface_points(112, 112, info->points);
}

typedef struct known {
    const char *sha256, *name, *licence, *source;
    float mean[3], divisor[3]; /* value = (pixel - mean) / divisor */
    /* thresholds: accuracy, eer, fmr1e-2, fmr1e-3; value, FMR, FNMR each */
    const char *threshold_source;
    double thresholds[4][3];
} known;

/* "whyface calibrate pairs.txt" with the npm and shared models of TESTING.md.
 */
#define LFW                                                                    \
    "LFW View 2, folds 1 to 5: 1500 mated and 1500 non-mated pairs, detector " \
    "mtcnn, whyface 0.1.0, 2026-11-24"

static const known models[] = {
    {
        "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
        "mobilefacenet_arcface_128",
        "Apache-2.0",
        "foamliu/MobileFaceNet, trained with ArcFace on MS1M",
        /* ImageNet's mean and standard deviation. */
        {123.675f, 116.28f, 103.53f},
        {58.395f, 57.12f, 57.375f},
        LFW,
        {{0.270997, 0.002000, 0.010667},
         {0.239266, 0.008000, 0.008000},
         {0.231423, 0.010000, 0.008000},
         {0.294098, 0.000667, 0.013333}},
    },
    {
        "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
        "fr_feature",
        "MIT",
        "npm faceplugin-face-recognition-js 0.0.1, a MobileFaceNet",
        {127, 127, 127},
        {128, 128, 128},
        LFW,
        {{0.266909, 0.002000, 0.013333},
         {0.240877, 0.009333, 0.009333},
         {0.238900, 0.010000, 0.009333},
         {0.310570, 0.000667, 0.017333}},
    },
};

bool wf__known_model(const char *sha256, wf_model_info *info)
{
    static const char *const names[] = {"accuracy", "eer", "fmr1e-2",
                                        "fmr1e-3"};
    for (size_t i = 0; i < WF__COUNT(models); i++) {
        const known *k = &models[i];
        if (strcmp(k->sha256, sha256))
            continue;
        wf_model_info_init(info);
        snprintf(info->name, sizeof(info->name), "%s", k->name);
        snprintf(info->licence, sizeof(info->licence), "%s", k->licence);
        snprintf(info->source, sizeof(info->source), "%s", k->source);
        for (int c = 0; c < 3; c++) {
            info->mean[c] = k->mean[c];
            info->scale[c] = 1 / k->divisor[c];
        }
        info->n_thresholds = (int)WF__COUNT(k->thresholds);
        for (int t = 0; t < info->n_thresholds; t++) {
            wf_threshold *out = &info->thresholds[t];
            *out = (wf_threshold){.value = k->thresholds[t][0],
                                  .fmr = k->thresholds[t][1],
                                  .fnmr = k->thresholds[t][2]};
            snprintf(out->name, sizeof(out->name), "%s", names[t]);
            snprintf(out->source, sizeof(out->source), "%s",
                     k->threshold_source);
        }
        return true;
    }
    return false;
}

void wf__guess_model(const wf__shape *input, wf_model_info *info)
{
    wf_model_info_init(info);
    info->guessed = 1;
    if (!input || input->rank != 4)
        return;
    const int64_t *dim = input->dim;
    if (dim[1] == 1)
        info->colour = WF_GREY;
    if (dim[2] > 0 && dim[2] <= 4096 && dim[3] > 0 && dim[3] <= 4096) {
        info->height = (int)dim[2];
        info->width = (int)dim[3];
    }
    wf__arcface_points(info->width, info->height, info->points);
}
