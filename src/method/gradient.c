/*
 * The derivative of the similarity at the image itself.  Gradient: Simonyan,
 * Vedaldi and Zisserman, "Deep Inside Convolutional Networks", ICLR 2014
 * workshop, section 3.1: the greatest magnitude over the channels.  Gradient x
 * input: Shrikumar et al., "Not Just a Black Box", 2016: the sum over the
 * channels of derivative times value, as the model takes it.  Guided
 * backpropagation: Springenberg et al., ICLR 2015 workshop, section 3.4: the
 * gradient by the guided rules.
 */
#include "method/backward.h"

static wf_status explain(const wf__task *task, wf__rules rules,
                         bool times_input, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    size_t n = wf__oracle_pixels(o) * (size_t)o->channels;
    float *g = wf__alloc((size_t)task->n_maps * n, sizeof(*g));
    if (!g)
        WF__FAIL(err, WF_ENOMEM, "out of memory for gradients");
    wf_status st = wf__trace_image(task, rules, NULL, 0, err);
    if (st == WF_OK)
        st = wf__carry_cosines(task, rules, WF__AT_INPUT, g, err);
    for (int m = 0; m < task->n_maps && st == WF_OK; m++) {
        float *own = g + (size_t)m * n;
        for (size_t i = 0; i < n && times_input; i++)
            own[i] *= o->image[i];
        if (times_input)
            wf__channels_sum(o, own, task->maps[m]);
        else
            wf__channels_greatest(o, own, task->maps[m]);
    }
    wf__free(g);
    return st;
}

static wf_status explain_gradient(const wf__task *task, wf_error *err)
{
    return explain(task, WF__RULES_GRADIENT, false, err);
}

static wf_status explain_times_input(const wf__task *task, wf_error *err)
{
    return explain(task, WF__RULES_GRADIENT, true, err);
}

static wf_status explain_guided(const wf__task *task, wf_error *err)
{
    return explain(task, WF__RULES_GUIDED, false, err);
}

/* A backward for each of at most two maps. */
static int64_t forwards(const wf_options *options, int width, int height)
{
    (void)options, (void)width, (void)height;
    return 2;
}

static const wf_method_option options[] = {WF__OPTION_BATCH, {0}};

const wf__method wf__method_gradient = {
    .about = {.name = "gradient",
              .kind = "white box: gradients",
              .help = "how much each pixel would change the similarity",
              .source = "Simonyan et al., ICLR 2014 workshop, section 3.1",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain_gradient,
};

const wf__method wf__method_gradient_input = {
    .about = {.name = "gradient-x-input",
              .kind = "white box: gradients",
              .help = "the derivative at each pixel times its value",
              .source = "Shrikumar et al., 2016",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain_times_input,
};

const wf__method wf__method_guided_backprop = {
    .about = {.name = "guided-backprop",
              .kind = "white box: gradients",
              .help = "the gradient of which activations let only positive "
                      "parts back",
              .source = "Springenberg et al., ICLR 2015 workshop, section 3.4",
              .options = options,
              .presets = wf__no_presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain_guided,
};
