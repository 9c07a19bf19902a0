/* The files of app/serve/pages, as parts of the program. */
#ifndef APP_SERVE_PAGES_H
#define APP_SERVE_PAGES_H

#include <stddef.h>

typedef struct app_page {
    const char *path; /* "/style.css" */
    const char *type;
    const char *text;
    const size_t *size;
    int is_form; /* the page with the token in it */
} app_page;

/* What a page of ours may load: what we send, and photos that were chosen. */
#define APP_PAGE_POLICY                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' " \
    "blob:; connect-src 'self'; frame-src 'self'; worker-src 'self'; "         \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* NULL if there is none at that path. */
const app_page *app_page_find(const char *path);
/* The form with {{token}} filled in; to be freed. */
char *app_page_with_token(const char *token);

#endif
