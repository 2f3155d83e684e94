#include "cell.h"

const convlstm__cell_training convlstm__cell_training_all = {
    .general = &convlstm__cell_general_back,
    .winograd = &convlstm__cell_winograd_back,
    .kernels_for = convlstm__training_kernels_for,
};
