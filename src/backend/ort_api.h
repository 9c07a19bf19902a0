/*
 * ONNX Runtime's C API as far as whyface uses it, declared here so that nothing
 * of it is needed to build.  The table of functions is versioned and only ever
 * grows at its end; each slot has kept its index since the release in which it
 * appeared (https://onnxruntime.ai/docs/api/c/struct_ort_api.html).
 *
 * A function returns NULL on success, else a status to be released.
 */
#ifndef WF_ORT_API_H
#define WF_ORT_API_H

#include <stddef.h>
#include <stdint.h>

/* The version asked for: ONNX Runtime 1.12 and all later ones have it. */
#define ORT_API_VERSION 12

typedef struct ort_status ort_status;
typedef struct ort_env ort_env;
typedef struct ort_session ort_session;
typedef struct ort_session_options ort_session_options;
typedef struct ort_value ort_value;
typedef struct ort_memory_info ort_memory_info;
typedef struct ort_allocator ort_allocator;
typedef struct ort_type_info ort_type_info;
typedef struct ort_tensor_info ort_tensor_info;
typedef struct ort_cuda_options ort_cuda_options;

enum { ORT_LOG_FATAL = 4 };           /* OrtLoggingLevel */
enum { ORT_OPTIMISE_ALL = 99 };       /* GraphOptimizationLevel */
enum { ORT_FLOAT = 1 };               /* ONNXTensorElementDataType */
enum { ORT_DEVICE_ALLOCATOR = 0 };    /* OrtAllocatorType */
enum { ORT_MEMORY_TYPE_DEFAULT = 0 }; /* OrtMemType */

typedef void ort_log_fn(void *user, int severity, const char *category,
                        const char *id, const char *place, const char *message);

/* The number before each name is its index in the table. */
typedef struct ort_api {
    void *skip_0[2];
    /* 2 GetErrorMessage: belongs to the status. */
    const char *(*error_message)(const ort_status *status);
    void *skip_3[1];
    /* 4 CreateEnvWithCustomLogger */
    ort_status *(*create_env)(ort_log_fn *log, void *user, int severity,
                              const char *id, ort_env **out);
    void *skip_5[1];
    /* 6 DisableTelemetryEvents */
    ort_status *(*disable_telemetry)(const ort_env *env);
    /* 7 CreateSession */
    ort_status *(*create_session)(const ort_env *env, const char *path,
                                  const ort_session_options *options,
                                  ort_session **out);
    void *skip_8[1];
    /* 9 Run: values are made for outputs that are NULL. */
    ort_status *(*run)(ort_session *session, const void *run_options,
                       const char *const *input_names,
                       const ort_value *const *inputs, size_t n_inputs,
                       const char *const *output_names, size_t n_outputs,
                       ort_value **outputs);
    /* 10 CreateSessionOptions */
    ort_status *(*create_session_options)(ort_session_options **out);
    void *skip_11[12];
    /* 23 SetSessionGraphOptimizationLevel */
    ort_status *(*set_optimisation)(ort_session_options *options, int level);
    /* 24 SetIntraOpNumThreads, 25 SetInterOpNumThreads */
    ort_status *(*set_intra_threads)(ort_session_options *options, int n);
    ort_status *(*set_inter_threads)(ort_session_options *options, int n);
    void *skip_26[4];
    /* 30 SessionGetInputCount */
    ort_status *(*input_count)(const ort_session *session, size_t *out);
    void *skip_31[2];
    /* 33 SessionGetInputTypeInfo */
    ort_status *(*input_type)(const ort_session *session, size_t index,
                              ort_type_info **out);
    void *skip_34[2];
    /* 36 SessionGetInputName, 37 SessionGetOutputName: freed by allocator */
    ort_status *(*input_name)(const ort_session *session, size_t index,
                              ort_allocator *allocator, char **out);
    ort_status *(*output_name)(const ort_session *session, size_t index,
                               ort_allocator *allocator, char **out);
    void *skip_38[11];
    /* 49 CreateTensorWithDataAsOrtValue: `data` stays the caller's. */
    ort_status *(*create_tensor)(const ort_memory_info *memory, void *data,
                                 size_t bytes, const int64_t *shape,
                                 size_t rank, int type, ort_value **out);
    void *skip_50[1];
    /* 51 GetTensorMutableData: belongs to the value. */
    ort_status *(*tensor_data)(ort_value *value, void **out);
    void *skip_52[3];
    /* 55 CastTypeInfoToTensorInfo: belongs to the type; NULL: no tensor. */
    ort_status *(*type_tensor)(const ort_type_info *type,
                               const ort_tensor_info **out);
    void *skip_56[4];
    /* 60 GetTensorElementType, 61 GetDimensionsCount, 62 GetDimensions */
    ort_status *(*element_type)(const ort_tensor_info *info, int *out);
    ort_status *(*rank)(const ort_tensor_info *info, size_t *out);
    ort_status *(*dimensions)(const ort_tensor_info *info, int64_t *out,
                              size_t rank);
    void *skip_63[2];
    /* 65 GetTensorTypeAndShape */
    ort_status *(*value_info)(const ort_value *value, ort_tensor_info **out);
    void *skip_66[3];
    /* 69 CreateCpuMemoryInfo */
    ort_status *(*create_cpu_memory)(int allocator_type, int memory_type,
                                     ort_memory_info **out);
    void *skip_70[6];
    /* 76 AllocatorFree */
    ort_status *(*allocator_free)(ort_allocator *allocator, void *pointer);
    void *skip_77[1];
    /* 78 GetAllocatorWithDefaultOptions: never freed. */
    ort_status *(*default_allocator)(ort_allocator **out);
    void *skip_79[14];
    /* 93 ReleaseStatus, 94 ReleaseMemoryInfo, 95 ReleaseSession,
     * 96 ReleaseValue */
    void (*release_status)(ort_status *status);
    void (*release_memory)(ort_memory_info *memory);
    void (*release_session)(ort_session *session);
    void (*release_value)(ort_value *value);
    void *skip_97[1];
    /* 98 ReleaseTypeInfo, 99 ReleaseTensorTypeAndShapeInfo,
     * 100 ReleaseSessionOptions */
    void (*release_type)(ort_type_info *type);
    void (*release_tensor_info)(ort_tensor_info *info);
    void (*release_session_options)(ort_session_options *options);
    void *skip_101[24];
    /* 125 GetAvailableProviders, 126 ReleaseAvailableProviders */
    ort_status *(*providers)(char ***out, int *n);
    ort_status *(*release_providers)(char **providers, int n);
    void *skip_127[3];
    /* 130 AddSessionConfigEntry */
    ort_status *(*set_config)(ort_session_options *options, const char *key,
                              const char *value);
    void *skip_131[73];
    /* 204 SessionOptionsAppendExecutionProvider_CUDA_V2,
     * 205 CreateCUDAProviderOptions */
    ort_status *(*append_cuda)(ort_session_options *options,
                               const ort_cuda_options *cuda);
    ort_status *(*create_cuda_options)(ort_cuda_options **out);
    void *skip_206[2];
    /* 208 ReleaseCUDAProviderOptions */
    void (*release_cuda_options)(ort_cuda_options *cuda);
    void *skip_209[7];
    /* 216 SessionOptionsAppendExecutionProvider */
    ort_status *(*append_provider)(ort_session_options *options,
                                   const char *name, const char *const *keys,
                                   const char *const *values, size_t n);
} ort_api;

#define ORT_SLOT(member, index)                                                \
    _Static_assert(offsetof(ort_api, member) == (index) * sizeof(void *),      \
                   #member)
ORT_SLOT(create_env, 4);
ORT_SLOT(set_optimisation, 23);
ORT_SLOT(output_name, 37);
ORT_SLOT(create_cpu_memory, 69);
ORT_SLOT(release_session_options, 100);
ORT_SLOT(set_config, 130);
ORT_SLOT(append_cuda, 204);
ORT_SLOT(append_provider, 216);
#undef ORT_SLOT

typedef struct ort_api_base {
    /* NULL if the library is older than the version. */
    const ort_api *(*get_api)(uint32_t version);
    const char *(*version)(void); /* "1.30.0" */
} ort_api_base;

/* The library's one symbol, "OrtGetApiBase". */
typedef const ort_api_base *ort_get_api_base(void);

#endif
