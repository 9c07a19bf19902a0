/* SHA-256 by OpenSSL's libcrypto (which uses the processor's instructions). */
#ifndef WF_SHA256_H
#define WF_SHA256_H

#include "base/base.h"

wf_status wf__sha256_hex(const void *data, size_t size, char hex[65],
                         wf_error *err);

#endif
