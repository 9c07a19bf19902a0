/*
 * Depthwise 3 x 3 in f32 with nothing but bias and PReLU behind it: the layers
 * that MobileFaceNet spends most of its memory traffic on.  Four outputs along
 * a line share their loads of inputs and weights; channels run innermost, so
 * that memory is read and written in order.
 *
 * The file that includes this defines KIND (its name) and CPU (what it needs),
 * and is compiled for its instruction set.
 */
#include "base/cpu.h"
#include "base/parallel.h"
#include "conv/kind.h"
#include "conv/vector.h"

#define TAPS  9
#define SIDE  3
#define GROUP 4 /* outputs at once */

#define ALWAYS static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

typedef struct depthwise3 {
    float *weights; /* tap x channel */
    float *zeros;   /* a pixel outside */
} depthwise3;

static bool supports(const wf__conv_spec *s)
{
    return wf__cpu_has(CPU) && s->depthwise && s->kernel_height == SIDE &&
           s->kernel_width == SIDE && s->dilation_y == 1 &&
           s->dilation_x == 1 && s->stride_y == s->stride_x &&
           s->stride_x <= 2 && s->in.type == WF__STORE_F32 &&
           s->out.type == WF__STORE_F32 && s->second.type == WF__NOTHING &&
           s->residual == WF__RESIDUAL_NONE;
}

static wf_status create(wf__conv *conv, wf_error *err)
{
    const wf__conv_spec *s = &conv->spec;
    size_t channels = (size_t)s->channels;
    depthwise3 *d = conv->state = wf__calloc(1, sizeof(*d));
    if (!d || !(d->weights = wf__alloc(TAPS * channels, sizeof(float))) ||
        !(d->zeros = wf__calloc(channels, sizeof(float))) ||
        !wf__finish_create(s, NULL, &conv->finish))
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing a convolution");
    for (size_t c = 0; c < channels; c++)
        for (size_t t = 0; t < TAPS; t++)
            d->weights[t * channels + c] = s->weights[c * TAPS + t];
    return WF_OK;
}

static void release(wf__conv *conv)
{
    depthwise3 *d = conv->state;
    if (d) {
        wf__free(d->weights);
        wf__free(d->zeros);
    }
    wf__free(d);
    wf__finish_free(&conv->finish);
}

static size_t weight_bytes(const wf__conv *conv)
{
    return TAPS * (size_t)conv->spec.channels * sizeof(float);
}

static size_t scratch_bytes(const wf__conv *conv, size_t n, int threads)
{
    (void)conv;
    (void)n;
    (void)threads;
    return 0;
}

/* `count` outputs of a line from the pixels in[row][column], each a pointer to
 * its channels. */
ALWAYS void group(const int count, const int stride, const wf__conv *conv,
                  const float *const in[SIDE][2 * GROUP + 1], float *out)
{
    const depthwise3 *d = conv->state;
    const wf__finish *f = &conv->finish;
    const size_t channels = f->outputs;
    const vec most = vec_all(f->most);
    for (size_t c = 0; c < channels; c += WF__LANES) {
        vec sum[GROUP];
        UNROLL
        for (int i = 0; i < count; i++)
            sum[i] = vec_zero();
        UNROLL
        for (int y = 0; y < SIDE; y++) {
            vec x[2 * GROUP + 1];
            UNROLL
            for (int k = 0; k < (count - 1) * stride + SIDE; k++)
                x[k] = vec_load(in[y][k] + c);
            UNROLL
            for (int k = 0; k < SIDE; k++) {
                const vec w = vec_load(d->weights +
                                       (size_t)(SIDE * y + k) * channels + c);
                UNROLL
                for (int i = 0; i < count; i++)
                    sum[i] = vec_fma(x[i * stride + k], w, sum[i]);
            }
        }
        const vec bias = vec_load(f->bias + c);
        UNROLL
        for (int i = 0; i < count; i++) {
            vec y = vec_add(sum[i], bias);
            if (f->slopes) {
                y = vec_prelu(y, vec_load(f->slopes + c));
                y = vec_min(most, y);
            }
            vec_store(out + (size_t)i * channels + c, y);
        }
    }
}

typedef struct task {
    const wf__conv *conv;
    const float *in;
    float *out;
} task;

/* Outputs x..x+count-1 of a line of an image. */
ALWAYS void run_group(const int count, const int stride, const task *job,
                      const float *image, int y, int x, float *out)
{
    const wf__conv_spec *s = &job->conv->spec;
    const depthwise3 *d = job->conv->state;
    const float *in[SIDE][2 * GROUP + 1];
    UNROLL
    for (int i = 0; i < SIDE; i++) {
        const int row = y * stride - s->pad_top + i;
        UNROLL
        for (int k = 0; k < (count - 1) * stride + SIDE; k++) {
            const int column = x * stride - s->pad_left + k;
            const bool inside =
                row >= 0 && row < s->height && column >= 0 && column < s->width;
            in[i][k] = inside ? image + ((ptrdiff_t)row * s->width + column) *
                                            s->channels
                              : d->zeros;
        }
    }
    group(count, stride, job->conv, in, out);
}

ALWAYS void run_line(const int stride, const task *job, const float *image,
                     int y, float *out)
{
    const wf__conv_spec *s = &job->conv->spec;
    int x = 0;
    for (; x + GROUP <= s->out_width; x += GROUP)
        run_group(GROUP, stride, job, image, y, x,
                  out + (ptrdiff_t)x * s->channels);
    for (; x < s->out_width; x++)
        run_group(1, stride, job, image, y, x,
                  out + (ptrdiff_t)x * s->channels);
}

/* Lines of the output, counted over all images. */
static void run_lines(size_t begin, size_t end, void *argument)
{
    const task *job = argument;
    const wf__conv_spec *s = &job->conv->spec;
    const size_t height = (size_t)s->out_height, channels = (size_t)s->channels;
    const size_t image = (size_t)s->height * (size_t)s->width * channels;
    for (size_t line = begin; line < end; line++) {
        const float *in = job->in + line / height * image;
        float *out = job->out + line * (size_t)s->out_width * channels;
        if (s->stride_x == 1)
            run_line(1, job, in, (int)(line % height), out);
        else
            run_line(2, job, in, (int)(line % height), out);
    }
}

static void run(const wf__conv *conv, size_t n, const char *in,
                const wf__ends *ends, char *scratch, int threads)
{
    task job = {conv, (const void *)in, (void *)ends->out};
    (void)scratch;
    wf__parallel(threads, n * (size_t)conv->spec.out_height, run_lines, &job);
}

const wf__conv_kind KIND = {"depthwise 3x3", supports, create, weight_bytes,
                            scratch_bytes,   run,      release};
