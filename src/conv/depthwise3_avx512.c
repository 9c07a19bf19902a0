#define KIND wf__conv_depthwise3
#define CPU  WF__CPU_AVX512
#include "conv/depthwise3.h"
