/* The oracle over a model: one crop against reference embeddings. */
#ifndef WF_ORACLE_MODEL_H
#define WF_ORACLE_MODEL_H

#include "model/model.h"
#include "oracle/oracle.h"

/*
 * `own` (the image's embedding), `references` (n_references x dim) and `image`
 * must outlive the oracle; `own` NULL: no similarities of the unchanged image.
 * `batch` 0: what suits the model.  Free with wf__model_oracle_free.
 */
wf_status wf__model_oracle_create(wf_ctx *ctx, wf_model *model,
                                  const wf_image *image, const float *own,
                                  const float *references, int n_references,
                                  size_t batch, wf__oracle **out,
                                  wf_error *err);
/*
 * Before the embeddings that an oracle compares with are made: a model that
 * computes in 8 bits learns the range of its values from these crops.
 */
wf_status wf__measure_crops(wf_ctx *ctx, wf_model *model,
                            const wf_image *const *images, int n_images,
                            wf_error *err);
/* The image is crop `index` of the forward run that wf__model_trace has just
 * done: while nothing else is traced, it need not run again. */
void wf__model_oracle_traced(wf__oracle *oracle, size_t index);
/* Seconds spent inside the model so far. */
double wf__model_oracle_seconds(const wf__oracle *oracle);
void wf__model_oracle_free(wf__oracle *oracle);

#endif
