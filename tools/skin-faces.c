/* skin-faces - finds faces in photos: cuts out those of users over time, or reports what is found
 * in single pictures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "faces/faces.h"
#include "fail.h"
#include "output.h"
#include "photos/photo_folder.h"
#include "store/store.h"
#include "system.h"

static const char *const usage = "user_data.txt --images DIR -o FACES\n"
                                 "       skin-faces DIR -o FACES\n"
                                 "       skin-faces --detect [--json] [--draw DIR] IMAGE...";
static const char *const about =
    "Finds faces with MTCNN. The first form writes FACES/<user>.npz for each user: for each\n"
    "photo the crop of the chosen face, its box, score and landmarks. A photo that cannot be\n"
    "read or shows no face leaves an empty frame (mask 0). The same command resumes after an\n"
    "interruption. The second form takes a folder of photos without a list: each folder in it is\n"
    "a person, whose photos are sorted by the dates in their EXIF or, where one has none, by "
    "name.\n"
    "The third form reports what it finds, one line per picture. It takes folders, too, with all\n"
    "photos in them, and - for a list of files in standard input.\n"
    "Pictures are JPEG, PNG, WebP, HEIC or AVIF, recognised by their content, and turned upright\n"
    "by what their EXIF or XMP says. JPEGs with junk in them are read, cut ones are not.\n";
static const char *const notes =
    "A photo beyond one of these limits is poor, and masked (--quality name=value,...):\n"
    "  sharpness 0.15  less is blurred\n"
    "  dark 64         highest brightness of the skin; less is too dark\n"
    "  bright 225      mean brightness of the skin; more is too bright\n"
    "  clipped 0.3     share of the skin that is black or white\n"
    "  side 32         side of the face in pixels; less is too small\n"
    "  yaw 35          degrees by which the head is turned\n"
    "  roll 30         degrees by which the head is tilted\n"
    "  rival 0.9       size of the largest other face, against the chosen one\n"
    "  scale 2.5       factor between the size of the face and the person's median\n"
    "  pose 40         degrees between yaw or roll and the person's median\n"
    "The .npz keeps the measurements and the reasons.\n"
    "Under mpirun the users, or the pictures, are dealt out to all ranks; the results are the "
    "same\n"
    "(docs/machines.md).\n"
    "The first two forms exit with 1 if a user was skipped because none of the photos could be\n"
    "read or the file could not be written, the third if a picture could not be read. The others\n"
    "are finished all the same.\n";

/* Three numbers as in "0.6,0.7,0.7". */
static bool parse_thresholds(const char *text, double out[3])
{
    int used = 0;
    bool ok = sscanf(text, "%lf,%lf,%lf%n", &out[0], &out[1], &out[2], &used) == 3 && !text[used];
    for (int i = 0; ok && i < 3; i++) ok = out[i] > 0 && out[i] < 1;
    if (!ok)
        cli_error("--thresholds '%s': expected three numbers between 0 and 1, as in 0.6,0.7,0.7",
                  text);
    return ok;
}

static bool is_folder(const char *path)
{
    return store_is_remote(path) || system_look(path, NULL) == SYSTEM_FOLDER;
}

/* What is wrong with the way the tool was called with --detect, or null. */
static const char *detect_misuse(const faces_options *o, bool sized)
{
    bool crops = o->images_dir || o->out_dir || o->sheet_dir || o->crops || o->all_faces || sized ||
                 o->extract.crop.mode != MTCNN_CROP_STRETCH || o->extract.crop.margin != 0;
    return crops ? "--detect takes pictures; --images, -o, --sheet, --crops, --all-faces, --size, "
                   "--align, --square and --margin belong to the other forms"
                 : NULL;
}

/* The same without --detect. */
static const char *users_misuse(const faces_options *o, const char *list)
{
    if (o->draw_dir) return "--draw needs --detect";
    if (is_folder(list) && o->images_dir)
        return "a folder of photos is its own --images: leave that out, or give a list of users";
    if (!is_folder(list) && !o->images_dir) return "--images DIR is missing";
    if (!o->out_dir) return "-o FACES is missing";
    if (o->all_faces && !o->crops) return "--all-faces needs --crops png or --crops jpg";
    return o->start >= o->end ? "--start must be before --end" : NULL;
}

/* What is wrong with the way the tool was called, or null. */
static const char *misuse(const faces_options *o, bool detect, bool sized, char *const *args,
                          int count)
{
    if (detect) return detect_misuse(o, sized);
    if (count != 1)
        return "expected one file of users, or one folder (for single pictures give --detect)";
    return users_misuse(o, args[0]);
}

/* Sets the profile, and its thresholds unless others were asked for. */
static void use_profile(mtcnn_options *o, mtcnn_profile profile, bool own_thresholds)
{
    mtcnn_options defaults;
    mtcnn_options_profile(&defaults, mtcnn_profile_name(profile));
    o->profile = profile;
    if (!own_thresholds) memcpy(o->threshold, defaults.threshold, sizeof o->threshold);
}

/* The pictures of rank 0, which alone has standard input, for all ranks. */
static bool share_paths(ranks *r, photo_paths *pictures, nbase_error *err)
{
    parcel p = {0};
    if (ranks_size(r) == 1) return true;
    if (!ranks_rank(r)) photo_paths_pack(pictures, &p);
    bool ok = ranks_share(r, &p, err);
    if (ok && ranks_rank(r)) ok = photo_paths_unpack(&p, pictures, err);
    parcel_free(&p);
    return ranks_agree(r, ok, err);
}

static int detect_all(faces_options *o, char *const *arguments, int count)
{
    photo_paths pictures = {0};
    nbase_error err;
    bool ok = ranks_rank(o->ranks) ||
              photo_paths_of_arguments(arguments, (size_t)count, false, &pictures, &err);
    if (!ranks_agree(o->ranks, ok, &err) || !share_paths(o->ranks, &pictures, &err)) {
        photo_paths_free(&pictures);
        cli_report(&err);
        return CLI_FAILURE;
    }
    o->pictures = pictures.paths;
    o->picture_count = pictures.count;
    int status = faces_detect(o);
    photo_paths_free(&pictures);
    return status;
}

/* A file with all of standard input, since lists are read from regular files: its descriptor, and
 * its name in `path`. -1 on failure. */
static int copy_input(char path[SYSTEM_PATH])
{
    char part[1 << 16];
    int file = system_unnamed_file(path);
    bool ok = file >= 0;
    for (size_t n; ok && (n = fread(part, 1, sizeof part, stdin)) > 0;)
        ok = write(file, part, n) == (ssize_t)n;
    if (ok && !ferror(stdin)) return file;
    cli_error("the list cannot be read from standard input: %s", strerror(errno));
    if (file >= 0) close(file);
    return -1;
}

/* `list`: a file of users, "-" for standard input, or a folder of photos. */
static int process_users(faces_options *o, const char *list)
{
    char path[SYSTEM_PATH];
    int input = -1;
    if (is_folder(list)) {
        o->images_dir = list;
    } else if (strcmp(list, "-") || ranks_rank(o->ranks)) {
        o->list = list;
    } else {
        if ((input = copy_input(path)) < 0) return CLI_FAILURE;
        o->list = path;
    }
    int status = faces_users(o);
    if (input >= 0) close(input);
    return status;
}

/* What the command line says, beside faces_options. */
typedef struct request {
    const char *weights, *thresholds, *quality;
    int choice, profile, crops;
    bool detect, align, square, check, retry;
} request;

/* Fills in the rest of the options. False after a message, with *status. */
static bool complete(faces_options *o, const request *q, char *const *args, int count, int *status)
{
    nbase_error err = {0};
    *status = CLI_USAGE;
    if (q->square) o->extract.crop.mode = MTCNN_CROP_SQUARE;
    if (q->align) o->extract.crop.mode = MTCNN_CROP_ALIGNED;
    o->crops = (crops_kind)q->crops;
    const char *fault = q->align && q->square ? "give --align or --square, not both"
                                              : misuse(o, q->detect, o->size != 0, args, count);
    if (fault) tool_fail(&err, NBASE_ERR_ARG, "%s", fault);
    /* a place may be a folder on one machine, and nothing on the next */
    if (!ranks_agree(o->ranks, !fault, &err)) return cli_report(&err);
    if (q->thresholds && !parse_thresholds(q->thresholds, o->extract.mtcnn.threshold)) return false;
    if (!o->size) o->size = FACE_CROP_SIDE;
    quality_limits_defaults(&o->limits);
    if (q->quality && !quality_limits_parse(q->quality, &o->limits, &err)) return cli_report(&err);
    use_profile(&o->extract.mtcnn, (mtcnn_profile)q->profile, q->thresholds != NULL);
    o->extract.mtcnn.check_landmarks = q->check;
    o->extract.mtcnn.retry_rotated = q->retry;
    o->extract.choice = (mtcnn_choice)q->choice;
    o->threads = ranks_threads(o->ranks, o->threads);
    *status = CLI_FAILURE;
    o->weights = extract_weights(q->weights, &err);
    return ranks_agree(o->ranks, o->weights != NULL, &err) || cli_report(&err);
}

static int run_faces(faces_options *o, const request *q, char *const *args, int count)
{
    int status;
    if (complete(o, q, args, count, &status))
        status = q->detect ? detect_all(o, args, count) : process_users(o, args[0]);
    mtcnn_weights_free(o->weights);
    return status;
}

int main(int argc, char **argv)
{
    faces_options o = {.end = SIZE_MAX};
    request q = {.choice = MTCNN_LARGEST, .profile = MTCNN_IPAZC_0_1, .crops = CROPS_NONE};
    extract_defaults(&o.extract);
    const cli_option options[] = {
        {"images", 0, CLI_TEXT, &o.images_dir, "DIR",
         "where the photos named in user_data.txt are: a folder or s3://BUCKET/PREFIX", 0, 0},
        {"output", 'o', CLI_TEXT, &o.out_dir, "FACES",
         "folder or s3://BUCKET/PREFIX for the users' .npz files", 0, 0},
        {"start", 0, CLI_SIZE, &o.start, "N",
         "first user of this shard, counted from 0 (default 0)", 0, 0},
        {"end", 0, CLI_SIZE, &o.end, "N", "end of this shard, exclusive (default: all)", 0, 0},
        {"force", 0, CLI_FLAG, &o.force, NULL,
         "replace the files of finished users, as after a change of options", 0, 0},
        {"sheet", 0, CLI_TEXT, &o.sheet_dir, "DIR",
         "write a contact sheet DIR/<user>.jpg of each user's crops over time", 0, 0},
        {"crops", 0, CLI_CHOICE, &q.crops, "none|png|jpg",
         "also write the crops as pictures, FACES/<user>/<photo>.png (default none)", 0, 0},
        {"all-faces", 0, CLI_FLAG, &o.all_faces, NULL,
         "with --crops: also those of the faces that were not chosen, <photo>_2.png, ...", 0, 0},
        {"size", 0, CLI_SIZE, &o.size, "N", "side of the crops in pixels (default 160)", 8,
         FACE_MAX_SIDE},
        {"quality", 0, CLI_TEXT, &q.quality, "LIST",
         "when a photo is too poor: off, or limits as in sharpness=0.2,yaw=25 (see below)", 0, 0},
        {"detect", 0, CLI_FLAG, &q.detect, NULL, "report what is found in single pictures", 0, 0},
        {"json", 0, CLI_FLAG, &o.json, NULL, "print JSON, one object per line", 0, 0},
        {"draw", 0, CLI_TEXT, &o.draw_dir, "DIR",
         "with --detect: write the pictures with boxes and landmarks there", 0, 0},
        {"no-icc", 0, CLI_FLAG, &o.no_icc, NULL,
         "leave colours as stored, instead of converting photos with an ICC profile into sRGB", 0,
         0},
        {"weights", 0, CLI_TEXT, &q.weights, "FILE",
         "MTCNN's weights (default weights/mtcnn.safetensors, or $SKIN_WEIGHTS)", 0, 0},
        {"choose", 0, CLI_CHOICE, &q.choice, "largest|probable|central|first",
         "which of several faces (default largest; the original took the first)", 0, 0},
        {"align", 0, CLI_FLAG, &q.align, NULL,
         "cut along the landmarks, eyes level and always in the same place, instead of the box", 0,
         0},
        {"square", 0, CLI_FLAG, &q.square, NULL,
         "cut out a square around the middle of the box, instead of stretching the box to one", 0,
         0},
        {"margin", 0, CLI_DOUBLE, &o.extract.crop.margin, "X",
         "add so much on each side of the face, as a part of its side (default 0)", -0.4, 4},
        {"profile", 0, CLI_CHOICE, &q.profile, "ipazc-0.1|mtcnn-1.0|facenet-pytorch|caffe",
         "the implementation whose results to reproduce (default ipazc-0.1)", 0, 0},
        {"min-face", 0, CLI_DOUBLE, &o.extract.mtcnn.min_face, "PIXELS",
         "smallest side of a face (default 20)", 12, 100000},
        {"min-face-fraction", 0, CLI_DOUBLE, &o.extract.mtcnn.min_face_fraction, "X",
         "the same as a part of the photo's short side; the larger counts", 0, 1},
        {"max-side", 0, CLI_SIZE, &o.extract.mtcnn.max_side, "PIXELS",
         "search larger photos reduced to this side (default 0: never)", 0, MTCNN_MAX_SIDE},
        {"max-candidates", 0, CLI_SIZE, &o.extract.mtcnn.max_candidates, "N",
         "boxes that may leave the first network (default 0: 20000)", 0, 1000000},
        {"factor", 0, CLI_DOUBLE, &o.extract.mtcnn.factor, "X",
         "step between the scales searched (default 0.709)", 0.1, 0.97},
        {"thresholds", 0, CLI_TEXT, &q.thresholds, "P,R,O",
         "scores that a face needs in the three networks (default 0.6,0.7,0.7; mtcnn-1.0: "
         "0.6,0.7,0.8)",
         0, 0},
        {"check-landmarks", 0, CLI_FLAG, &q.check, NULL,
         "drop faces whose eyes, nose and mouth do not lie as in a face", 0, 0},
        {"retry-rotated", 0, CLI_FLAG, &q.retry, NULL,
         "search a photo without a face again, turned by 90, 180 and 270 degrees", 0, 0},
        {"threads", 0, CLI_INT, &o.threads, "N",
         "users or pictures at a time (default 0: all processors); the results do not change", 0,
         256},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    const cli_tool tool = {.name = "skin-faces",
                           .usage = usage,
                           .about = about,
                           .options = options,
                           .notes = notes,
                           .min_args = 1,
                           .max_args = -1,
                           .ranks = true};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    cli_catch_interrupt();
    output_keep_private();
    nbase_error err;
    if (ranks_begin(&o.ranks, &err)) {
        status = run_faces(&o, &q, argv + first, argc - first);
    } else {
        cli_report(&err);
        status = CLI_FAILURE;
    }
    return ranks_end(o.ranks, status);
}
