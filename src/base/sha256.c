#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/fileio.h"

wf_status wf__sha256_hex(const void *data, size_t size, char hex[65],
                         wf_error *err)
{
    unsigned char digest[32];
    if (!EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL))
        WF__FAIL(err, WF_EINTERNAL, "SHA-256 failed");
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return WF_OK;
}

wf_status wf_sha256_file(const char *path, char hex[65], wf_error *err)
{
    wf__bytes bytes;
    WF__TRY(wf__bytes_open(path, "file", SIZE_MAX, &bytes, err));
    wf_status st = wf__sha256_hex(bytes.data, bytes.size, hex, err);
    wf__bytes_close(&bytes);
    return st;
}
