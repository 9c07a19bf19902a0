/* Half the registers, each of half the length. */
#define KIND    wf__conv_winograd_avx2
#define CPU     WF__CPU_AVX2
#define ROWS    6
#define VECTORS 1
#include "conv/winograd.h"
