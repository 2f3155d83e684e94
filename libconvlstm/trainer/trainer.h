/* trainer.h - internal: what a trainer holds. */
#ifndef CONVLSTM_TRAINER_H
#define CONVLSTM_TRAINER_H

#include "layers/net.h"
#include "optimizer.h"
#include "samples.h"
#include "shares.h"

struct convlstm_trainer {
    nbase_env env;
    convlstm_model *model;
    convlstm__backend_choice backend;
    int threads;
    nbase_error error;

    convlstm__optimizer optimizer;
    /* Per output: the options with its loss in place of the first one's, and the weight of that
     * loss in the sum. */
    convlstm_trainer_options of_output[CONVLSTM__OUTPUTS];
    double weights[CONVLSTM__OUTPUTS];
    /* Per output: its loss in the last step or evaluation; NaN if its weight is zero. */
    double output_loss[CONVLSTM__OUTPUTS];
    convlstm__shares shares;
    /* For the last image size; null before the first step. */
    convlstm__net *net;
    /* The batch of the step or evaluation that runs. */
    convlstm__samples samples;
    /* output_gradient: per output, the gradient to it of each sample of a part of the batch.
     * losses: in a step (samples, outputs); in an evaluation per output, of its rows. all_losses:
     * in a group those of all ranks. */
    convlstm__buffer output_gradient, losses, all_losses;
    convlstm__buffer ssim; /* per thread, scratch of that loss; empty where no output has it */

    /* Of every recurrent layer, before and after a step; null: none is asked for. In a group they
     * are of this rank's share, or just restored and of the whole batch. */
    nbase_archive *states, *states_after;
    bool states_whole;

    /* Created by the first evaluation, with room for its outputs. */
    convlstm_session *evaluator;
    convlstm__buffer evaluated;

    /* For tests: dropout's factors in place of drawn ones; null: none. */
    const nbase_archive *dropout_masks;
};

/* As convlstm_trainer_create, with a backend of the caller's choice (tests). */
nbase_status convlstm__trainer_create(convlstm_model *m, const convlstm_trainer_options *options,
                                      convlstm__backend_choice backend, convlstm_trainer **out,
                                      nbase_error *err);

#endif
