#include "assets.h"

#include <string.h>

/* The assembler includes the file; the Makefile rebuilds this object when a file of page/
 * changes. */
#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n" #name "_begin:\n.incbin \"" SKIN_ROOT "/tools/serve/page/" file   \
            "\"\n" #name "_end:\n.byte 0\n.previous\n");                                           \
    extern const char name##_begin[] __attribute__((visibility("hidden"))),                        \
        name##_end[] __attribute__((visibility("hidden")))

EMBED(page_index, "index.html");
EMBED(page_style, "style.css");
EMBED(page_script, "app.js");
EMBED(page_backend, "backend.js");
EMBED(page_before, "before.js");
EMBED(page_course, "course.js");
EMBED(page_draw, "draw.js");
EMBED(page_exif, "exif.js");
EMBED(page_result, "result.js");
EMBED(page_icon, "icon.svg");
EMBED(page_openapi, "openapi.json");

static const asset assets[] = {
    {"/", "text/html; charset=utf-8", page_index_begin, page_index_end},
    {"/style.css", "text/css; charset=utf-8", page_style_begin, page_style_end},
    {"/app.js", "text/javascript; charset=utf-8", page_script_begin, page_script_end},
    {"/backend.js", "text/javascript; charset=utf-8", page_backend_begin, page_backend_end},
    {"/before.js", "text/javascript; charset=utf-8", page_before_begin, page_before_end},
    {"/course.js", "text/javascript; charset=utf-8", page_course_begin, page_course_end},
    {"/draw.js", "text/javascript; charset=utf-8", page_draw_begin, page_draw_end},
    {"/exif.js", "text/javascript; charset=utf-8", page_exif_begin, page_exif_end},
    {"/result.js", "text/javascript; charset=utf-8", page_result_begin, page_result_end},
    {"/icon.svg", "image/svg+xml", page_icon_begin, page_icon_end},
    {"/openapi.json", "application/json", page_openapi_begin, page_openapi_end},
};

const asset *asset_find(const char *path)
{
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++)
        if (strcmp(assets[i].path, path) == 0) return &assets[i];
    return NULL;
}
