#define KIND wf__conv_depthwise3_avx2
#define CPU  WF__CPU_AVX2
#include "conv/depthwise3.h"
