/*
 * What every source file of the library includes first: the public header,
 * errors, memory with limits, threads, and the functions that are banned.
 */
#ifndef WF_BASE_H
#define WF_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whyface.h"

#include "base/banned.h"
#include "base/error.h"
#include "base/memory.h"

/*
 * For plain loops over many numbers: compiled for wider vectors too, chosen
 * when the program starts.  The results are the same (no contraction in ISO C).
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WF__WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WF__WIDE
#endif

#define WF__COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WF__MIN(a, b)    ((a) < (b) ? (a) : (b))
#define WF__MAX(a, b)    ((a) > (b) ? (a) : (b))

#endif
