/* s3_list.h - reads the XML answer of ListObjectsV2 and of the multipart calls, by expat. */
#ifndef SKIN_S3_LIST_H
#define SKIN_S3_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct s3_entry {
    char *key;
    size_t size;
} s3_entry;

typedef struct s3_page {
    s3_entry *entries;
    size_t count, capacity;
    char *next; /* NextContinuationToken when there are more pages, else null */
} s3_page;

/* Parses a page. False if the text is not such an answer. */
bool s3_page_parse(const char *xml, size_t size, s3_page *out);
void s3_page_free(s3_page *p);

/* The text of the first element of that name; null if there is none. The caller frees it with
 * free(). */
char *s3_xml_text(const char *xml, size_t size, const char *element);

#endif
