#include "page.h"

#include "svg.h"

static const char before_title[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
    "name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";

static const char after_title[] =
    "</title>\n<style>\n"
    ":root{--ink:#1f2933;--muted:#5b6875;--grid:#e3e8ed;--paper:#fff;--page:#f4f6f8;--accent:#"
    "2563a8;--warn:#fff4e5;--warn-edge:#bf5316}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--muted:#a0abb6;--grid:#2f3a45;--paper:#"
    "161d24;--page:#0e1318;--accent:#6db3f2;"
    "--warn:#2b2118;--warn-edge:#f4a261}}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 "
    "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "main{max-width:960px;margin:0 auto;padding:24px 16px 64px}\nh1{font-size:1.7rem;margin:.2em "
    "0}\nh2{font-size:1.2rem;margin:2em 0 .6em}\n"
    ".sub,.note{color:var(--muted)}\n.note{font-size:.9rem}\n"
    ".warn{background:var(--warn);border-left:4px solid var(--warn-edge);padding:10px "
    "14px;border-radius:4px;margin:16px 0}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px}\n"
    ".card,figure{background:var(--paper);border:1px solid "
    "var(--grid);border-radius:8px}\n.card{padding:12px 16px}\n"
    ".card b{display:block;font-size:1.7rem;font-weight:600;color:var(--accent)}\n.card "
    "span{color:var(--muted);font-size:.9rem}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:"
    "16px}\n"
    "figure{margin:0;padding:12px}\nfigure.wide{grid-column:1/"
    "-1}\nfigcaption{color:var(--muted);font-size:.9rem;margin-top:6px}\n"
    "svg{display:block;max-width:100%;height:auto;margin:0 auto}\n"
    ".scroll{overflow-x:auto}\ntable{border-collapse:collapse;width:100%;background:var(--paper);"
    "border:1px solid var(--grid);border-radius:8px}\n"
    "th,td{text-align:left;padding:7px 12px;border-bottom:1px solid "
    "var(--grid);vertical-align:top}\ntd.n,th.n{text-align:right;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\ntr:last-child td{border-bottom:0}\n"
    "@media print{body{background:#fff}}\n</style>\n</head>\n<body>\n<main>\n";

void page_begin(FILE *out, const char *title)
{
    fputs(before_title, out);
    svg_escape(out, title);
    fputs(after_title, out);
}

void page_end(FILE *out) { fputs("</main>\n</body>\n</html>\n", out); }
