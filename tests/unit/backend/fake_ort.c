/* A library that is ONNX Runtime, but knows no version of the API. */
#include <stddef.h>

#include "backend/ort_api.h"

ort_get_api_base OrtGetApiBase;

static const ort_api *get_api(uint32_t version)
{
    (void)version;
    return NULL;
}

static const char *get_version(void)
{
    return "0.3.0";
}

__attribute__((visibility("default"))) const ort_api_base *OrtGetApiBase(void)
{
    static const ort_api_base base = {get_api, get_version};
    return &base;
}
