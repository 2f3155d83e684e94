/* card_page.h - a model card (model_card.h) for people: as Markdown, and as a page of its own. */
#ifndef SKIN_CARD_PAGE_H
#define SKIN_CARD_PAGE_H

#include <jansson.h>
#include <stdio.h>

void card_markdown(FILE *out, const json_t *card);

/* Self-contained, without scripts, loading nothing. */
void card_html(FILE *out, const json_t *card);

/* One line for a terminal: on whom it was judged, and how well; without a newline. */
void card_line(FILE *out, const json_t *card);

#endif
