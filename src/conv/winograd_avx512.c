#define KIND    wf__conv_winograd
#define CPU     WF__CPU_AVX512
#define ROWS    12
#define VECTORS 2
#include "conv/winograd.h"
