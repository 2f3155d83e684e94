/* dataset.h - the files between the steps (docs/pipeline.md): user_data.txt, label.json,
 * flipped.json, persons.json, partition.json and FACES/<user>.npz. Readers are strict. On
 * failure a function returns false, and *err (fail.h) names the file, the line and what to do. */
#ifndef SKIN_DATASET_H
#define SKIN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"
#include "ranks/parcel.h"
#include "store/store.h"

#define USER_ID_MAX 64       /* of a person */
#define FLIPPED_PREFIX "999" /* the id of a person's flipped copy is this and the person's id */

/* Whether the id has 1 to 64 (a flipped copy 67) characters of [A-Za-z0-9_-]; ids become file
 * names. */
bool user_id_ok(const char *id);

/* ---- user_data.txt ----
 *
 * One JSON array per line: [user id, label, note, image path, ...], all strings. */

typedef struct user_record {
    char *id;
    int label; /* 1 improved, 0 deteriorated */
    char *note;
    char **images;      /* relative to the images folder, in time order */
    size_t image_count; /* may be 0 */
} user_record;

typedef struct user_list {
    user_record *users;
    size_t count;
} user_list;

/* Reads the whole list; the caller frees it with user_list_free. A duplicate id, a path that leaves
 * the folder ("..", absolute) and a wrong type are errors that name the line. On failure *out is
 * empty. */
bool user_list_read(const char *path, user_list *out, nbase_error *err);

/* Writes the list so that user_list_read gives the same; the old file stays on failure. */
bool user_list_write(const char *path, const user_list *list, nbase_error *err);

/* Leaves the list empty; safe on an empty one. */
void user_list_free(user_list *list);

/* The ids and photos of a list as bytes, for other ranks (ranks/ranks.h), and a list from them: its
 * labels are 0 and its notes empty. */
void user_list_pack(const user_list *list, parcel *p);
bool user_list_unpack(parcel *p, user_list *out, nbase_error *err);

/* The user with this id, or null. */
const user_record *user_list_find(const user_list *list, const char *id);

/* ---- label.json, flipped.json, persons.json and partition.json in DATA ---- */

/* The most bytes of each of them, and of RUN/people.json (leak.h). */
#define DATA_MAX_BYTES ((size_t)256 << 20)

typedef enum data_part {
    PART_NONE = -1,
    PART_TRAIN = 0,
    PART_VALIDATION = 1,
    PART_TEST = 2
} data_part;
enum { PARTS = 3 };
extern const char *const part_names[PARTS]; /* "train", "validation", "test" */

typedef struct data_user {
    char *id; /* names FACES/<id>.npz */
    /* whose face it is: the id itself, or another id of the same person (which need not have a
     * label), or that of whom this is a flipped copy */
    char *person;
    char *mirror_of; /* the id of which this is a flipped copy, or null */
    int label;       /* 1 improved, 0 deteriorated */
    data_part part;
} data_user;

/* Zero-initialised it is an empty split, ready for data_split_add. */
typedef struct data_split {
    data_user **users; /* everyone with a label, sorted by id */
    size_t user_count;
    data_user **part[PARTS]; /* those in a part, in file order: pointers to the same users */
    size_t count[PARTS];
} data_split;

/* Reads the four files of DATA, a folder or s3://bucket/prefix; the caller frees the split with
 * data_split_free. flipped.json and persons.json may be missing: no copies, no second ids. These
 * are errors: an id without label, and a leak, which is an id in two parts, or a flipped copy or a
 * second id in another part than its person. On failure *out is empty. */
bool data_split_read(const char *dir, data_split *out, nbase_error *err);

/* Writes the four files, partition.json last. To a folder: all of them to the disk first, then each
 * to its name, so that on a full disk the old ones stay. An earlier split is gone before its first
 * file is replaced: a process that is killed never leaves parts of both. To a bucket: one after the
 * other, and the error says when only some were written. */
bool data_split_write(const char *dir, const data_split *split, nbase_error *err);

/* The same for a split that has what the earlier one has, and more: files of both go together, and
 * the earlier partition.json stays until the last step. */
bool data_split_extend(const char *dir, const data_split *split, nbase_error *err);

/* Leaves the split empty; safe on an empty one. */
void data_split_free(data_split *split);

/* Adds a user to a part, or to none (PART_NONE). The texts are copied.
 *
 * person     whose face it is; null: the id itself
 * mirror_of  the id of which this is a flipped copy; null: it is no copy
 *
 * An id that is there already is an error, unless it is in no part yet and all else agrees. */
bool data_split_add(data_split *split, data_part part, const char *id, int label,
                    const char *person, const char *mirror_of, nbase_error *err);

/* Whether the user is a flipped copy. */
bool data_user_is_copy(const data_user *user);

/* The user with this id, or null. */
const data_user *data_split_find(const data_split *split, const char *id);

/* ---- FACES/<user>.npz ----
 *
 * The arrays of the file, for n frames with crops of side S:
 *
 *     img        uint8    (n,S,S,3)
 *     mask       bool     (n)
 *     box        int32    (n,4)
 *     score      float32  (n)
 *     landmarks  float32  (n,5,2)
 *     frame      int32    (n)
 *     photo      int32    (n,2)
 *     rotation   int32    (n)
 *     quality    float32  (n,8)
 *     reason     int32    (n)
 *     colour     int32    (n)      only if it is not all zeros
 *
 * Only img must be there. What is missing is zeros; without mask, the frames whose crop is not all
 * zeros are valid. */

/* What is measured of a photo with a face (tools/photos/quality.h says how): the columns of
 * `quality`. */
enum {
    QUALITY_SHARPNESS,
    QUALITY_BRIGHTNESS,
    QUALITY_HIGHLIGHTS,
    QUALITY_CLIPPED,
    QUALITY_SIDE,
    QUALITY_YAW,
    QUALITY_ROLL,
    QUALITY_RIVAL,
    QUALITY_MEASURES
};

enum {
    FACE_CROP_SIDE = 160,     /* of the crops, unless skin-faces is asked for another */
    FACE_MAX_FRAMES = 100000, /* of a series */
    FACE_MAX_SIDE = 4096      /* of its crops */
};

typedef struct face_series {
    size_t count;  /* frames, those without a face included; at least 1 */
    size_t size;   /* side of a crop */
    uint8_t *img;  /* (count,size,size,3); zeros where no face was found */
    uint8_t *mask; /* (count) 1: a face, in a photo good enough to be used */
    int32_t *box;  /* (count,4) x,y,w,h in the upright photo; zeros without a face */
    float *score;  /* (count) */
    /* (count,5,2) x,y in the upright photo: left eye, right eye, nose, mouth left, mouth right */
    float *landmarks;
    int32_t *frame; /* (count) index of the photo in user_data.txt */
    /* (count,2) width, height of the upright photo; zeros if it could not be read */
    int32_t *photo;
    /* (count) 0, 90, 180, 270: degrees to the right by which the photo was turned before the face
     * was found; the above is after that turn */
    int32_t *rotation;
    float *quality; /* (count,QUALITY_MEASURES) zeros without a face */
    /* (count) bits of quality_reason, why the photo is poor and so masked; 0: nothing against it */
    int32_t *reason;
    /* (count) what became of the photo's colour profile (pictures/images_icc.h): 0 there is none
     * that matters, 1 converted into sRGB, 2 left as stored */
    int32_t *colour;
} face_series;

/* In all of these `faces` is FACES, a folder or a bucket, opened with store_open. */

/* "FACES/<id>.npz", for messages and for files in a folder; the caller frees it with free(). */
char *face_series_path(const store *faces, const char *id, nbase_error *err);

/* A series of `count` frames that are all zeros; the caller frees it with face_series_free. On
 * failure *out is empty. */
bool face_series_create(size_t count, size_t size, face_series *out, nbase_error *err);

/* Reads a user's series; the caller frees it with face_series_free. On failure *out is empty. */
bool face_series_read(store *faces, const char *id, face_series *out, nbase_error *err);

/* The same for callers that can do without the series: the error holds no advice, and *missing (may
 * be null) is set if there is no such file. */
bool face_series_load(store *faces, const char *id, face_series *out, bool *missing,
                      nbase_error *err);

/* Writes a user's series; on failure the old file stays. */
bool face_series_write(store *faces, const char *id, const face_series *s, nbase_error *err);

/* Leaves the series empty; safe on an empty one. */
void face_series_free(face_series *s);

/* How many frames are valid (mask 1). */
size_t face_series_valid(const face_series *s);

/* Turns the series into what it would be had every photo been taken in a mirror: crops, boxes, and
 * landmarks, whose left and right change places. */
void face_series_mirror(face_series *s);

#endif
