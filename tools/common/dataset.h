/* dataset.h - the files between the steps (docs/formats.md): user_data.txt, label.json, partition.json and FACES/<user>.npz.
 * Readers are strict; every function prints its own one-line error naming the file, line and what to do (cli_error), and returns false. */
#ifndef SKIN_DATASET_H
#define SKIN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- user_data.txt: a JSON array a line: [user id, label, note, image path, ...], all strings ---- */

typedef struct user_record {
    char *id;     /* 1..64 of [A-Za-z0-9_-]: it becomes a file name */
    int label;    /* 1 improved, 0 deteriorated */
    char *note;
    char **images; /* relative to the images folder, in time order */
    size_t image_count;
} user_record;

typedef struct user_list {
    user_record *users;
    size_t count;
} user_list;

/* A duplicate id, a path that leaves the folder ("..", absolute) or a wrong type is an error naming the line. */
bool user_list_read(const char *path, user_list *out);
bool user_list_write(const char *path, const user_list *list);
void user_list_free(user_list *list);

/* ---- label.json and partition.json in DATA ---- */

typedef enum part { PART_TRAIN = 0, PART_VALIDATION = 1, PART_TEST = 2 } part;
extern const char *const part_names[3]; /* "train", "validation", "test" */

/* The person behind an id: a flipped copy's id is "999" + the person's id and its file says so (array "flipped_from"); see dataset.c. */
typedef struct data_split {
    char **ids[3]; /* by part, in file order */
    size_t count[3];
    /* label of every id, in the order of label.json */
    char **label_ids;
    uint8_t *labels; /* 1 improved, 0 deteriorated */
    size_t label_count;
} data_split;

/* Reads DATA/label.json and DATA/partition.json. An id in two parts, a flipped copy in another part than its person, or an id without label is an error. */
bool data_split_read(const char *dir, data_split *out);
bool data_split_write(const char *dir, const data_split *split);
void data_split_free(data_split *split);
/* 1, 0, or -1 if unknown. */
int data_split_label(const data_split *split, const char *id);

/* ---- FACES/<user>.npz ---- */

typedef struct face_series {
    size_t count;        /* frames, those without a face included */
    size_t size;         /* side of a crop: 160 */
    uint8_t *img;        /* (count,size,size,3); zeros where no face was found */
    uint8_t *valid;      /* (count) 1: a face */
    int32_t *box;        /* (count,4) x,y,w,h; zeros without a face */
    float *score;        /* (count) */
    float *landmarks;    /* (count,5,2) */
    int32_t *frame;      /* (count) index of the photo in user_data.txt */
} face_series;

bool face_series_read(const char *faces_dir, const char *id, face_series *out);
bool face_series_write(const char *faces_dir, const char *id, const face_series *s);
void face_series_free(face_series *s);

/* Crops of a series as the network wants them: (frames,size,size,3) float32 in 0..1 and a mask (frames). The first `frames` of the series are used (the
 * training tools' T; a longer series is cut with the last ones kept), missing ones are zeros with mask 0 at the end. */
bool face_series_to_input(const face_series *s, size_t frames, size_t size, float *img, uint8_t *mask);

#endif
