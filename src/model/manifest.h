/*
 * What has to be known about a model, beside its weights: a JSON file, a table
 * of well-known models, or a guess from the graph.
 */
#ifndef WF_MANIFEST_H
#define WF_MANIFEST_H

#include "onnx/graph.h"

/* Reads a manifest; `info` keeps its values for keys that are left out.
 * WF_EMANIFEST names the file and the key. */
wf_status wf__manifest_read(const char *path, wf_model_info *info,
                            wf_error *err);
wf_status wf__manifest_write(const char *path, const wf_model_info *info,
                             wf_error *err);

/* "x/y.onnx" to "x/y.json"; WF_EINVAL if it does not fit. */
wf_status wf__manifest_path(const char *model, char *buf, size_t size,
                            wf_error *err);

/* Fills `info` if the hash belongs to a well-known model. */
bool wf__known_model(const char *sha256, wf_model_info *info);

/* Size and channels from the shape of the input (NULL: unknown), the rest by
 * convention. */
void wf__guess_model(const wf__shape *input, wf_model_info *info);

/* The ArcFace template, given for 112 x 112, scaled to another size. */
void wf__arcface_points(int width, int height, float points[WF_LANDMARKS][2]);

#endif
