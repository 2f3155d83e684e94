#!/usr/bin/env bash
# The check of gradients finds one that is off by a thousandth: broken_gradient.sh BIN SCRATCH
set -u
"$1/../tests/test_convlstm_grad" --break 0.001 >"$2/log" 2>&1
status=$?
[ $status = 1 ] && exit 0
echo "a gradient broken on purpose: exit status $status, not 1"
tail -n 5 "$2/log"
exit 1
