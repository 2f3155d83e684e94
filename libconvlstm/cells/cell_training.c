#include "cell.h"
#include "patches.h"
#include "strided.h"

const convlstm__cell_training convlstm__cell_training_all = {
    .general = &convlstm__cell_general_back,
    .winograd = &convlstm__cell_winograd_back,
    .kernels_for = convlstm__training_kernels_for,
    .strided_finish = convlstm__strided_finish,
    .add_channels = convlstm__add_channels,
};
