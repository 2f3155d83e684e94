/* grad_check.h - networks against the oracle of convlstm_ref.h: gradients of every weight by finite
 * differences, and what the networks give in training and at inference; masks with holes, and a
 * sample without a valid frame. */
#ifndef TEST_GRAD_CHECK_H
#define TEST_GRAD_CHECK_H

#include "convlstm_ref.h"

typedef struct grad_case {
    const char *name, *preset, *json; /* one of preset and json */
    size_t height, width;
    ref_loss loss;
    const char *mode; /* of BatchNormalization; null: as it is */
    bool states;      /* an initial state that is not zero, in every recurrent layer */
    bool dropout;     /* factors of the test's own for every dropout */
    /* In place of preset and json: layers as grad_network takes them, for images of that many
     * channels. */
    const char *layers;
    size_t channels;
    /* In place of `channels`: "inputs" of the network, the first of which has the size above. */
    const char *inputs;
    bool fixed;    /* the number of frames is fixed */
    bool unmasked; /* the frames that it gives are behind a layer that changes their number */
    bool unscaled; /* images beyond -1..1, which Winograd's method computes in another way */
} grad_case;

/* The JSON of a network in short: layers with a semicolon between them, "dense units=2
 * activation=tanh; flatten". `input`: the members of "input". To be freed with free(). */
char *grad_network(const char *input, const char *layers);

/* The same with the whole member, "\"inputs\":[...]". */
char *grad_network_of(const char *inputs, const char *layers);

/* Prints the errors of a case, and fails where one is too large. broken: a gradient is off by this
 * part of itself, to see that the check finds it; 0: not. */
void grad_check(const grad_case *c, double broken);

/* The same networks at inference: moving statistics and no dropout, for 1 to 3 threads. */
void grad_check_inference(const grad_case *c);

#endif
