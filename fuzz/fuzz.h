/*
 * A fuzz target has two functions: libFuzzer's entry point, and seeds made by
 * code.  Without libFuzzer, driver.c runs the seeds and mutations of them.
 */
#ifndef WF_FUZZ_H
#define WF_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seed number `index`, allocated with malloc; 0 past the last. */
int fuzz_seed(int index, uint8_t **data, size_t *size);

#endif
