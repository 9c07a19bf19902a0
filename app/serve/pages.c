#include "app/serve/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded/serve_beat_js.h"
#include "embedded/serve_icon_svg.h"
#include "embedded/serve_index_html.h"
#include "embedded/serve_page_js.h"
#include "embedded/serve_style_css.h"

static const app_page pages[] = {
    {"/", "text/html; charset=utf-8", serve_index_html, &serve_index_html_size,
     1},
    {"/style.css", "text/css; charset=utf-8", serve_style_css,
     &serve_style_css_size, 0},
    {"/page.js", "text/javascript; charset=utf-8", serve_page_js,
     &serve_page_js_size, 0},
    {"/beat.js", "text/javascript; charset=utf-8", serve_beat_js,
     &serve_beat_js_size, 0},
    {"/icon.svg", "image/svg+xml", serve_icon_svg, &serve_icon_svg_size, 0}};

const app_page *app_page_find(const char *path)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (!strcmp(pages[i].path, path))
            return &pages[i];
    return NULL;
}

char *app_page_with_token(const char *token)
{
    static const char mark[] = "{{token}}";
    const char *at = strstr(serve_index_html, mark);
    size_t before = at ? (size_t)(at - serve_index_html) : 0;
    size_t size = serve_index_html_size + strlen(token) + 1;
    char *page = at ? malloc(size) : NULL;
    if (page)
        snprintf(page, size, "%.*s%s%s", (int)before, serve_index_html, token,
                 at + strlen(mark));
    return page;
}
