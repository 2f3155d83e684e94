#!/usr/bin/env python3
"""Remakes tests/goldens/metrics.inc: made-up predictions and what scikit-learn says of them.

    tests/goldens/metrics.py            in an environment of its own, build/venv-metrics
    VENV=/some/venv tests/goldens/metrics.py
"""
import os

import environment

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["scikit-learn==1.9.1"]


def cases():
    import numpy as np

    rng = np.random.default_rng(7)
    for name, n, sharp, ties in (("plain", 61, 1.2, False), ("ties", 48, 0.8, True), ("rare", 40,
                                                                                      1.0, False)):
        label = (rng.random(n) < (0.9 if name == "rare" else 0.7)).astype(int)
        logits = np.stack([-sharp * (label - 0.4), sharp *
                           (label - 0.4)], 1) + rng.normal(size=(n, 2))
        probs = 1 / (1 + np.exp(-logits))
        # few digits: exact in the C source, and ties where asked for
        probs = np.round(probs, 1 if ties else 3)
        yield name, label, probs


def expected(label, probs):
    import numpy as np
    from sklearn import metrics as m

    total = probs.sum(1)
    score = np.where(total > 0, probs[:, 1] / np.where(total > 0, total, 1), 0.5)
    predicted = (probs[:, 1] > probs[:, 0]).astype(int)
    (tn, fp), (fn, tp) = m.confusion_matrix(label, predicted)
    precision, recall, f1, _ = m.precision_recall_fscore_support(label, predicted, labels=[0, 1])
    one_hot = np.stack([1 - label, label], 1)
    says = probs > 0.5
    return [
        tn, fp, fn, tp,
        m.accuracy_score(label, predicted),
        m.balanced_accuracy_score(label, predicted), *precision, *recall, *f1,
        m.f1_score(label, predicted, average="macro"),
        m.matthews_corrcoef(label, predicted),
        m.roc_auc_score(label, score),
        m.precision_score(one_hot.ravel(), says.ravel()),
        m.brier_score_loss(label, score)
    ]


def main():
    environment.enter("metrics", PACKAGES)
    out = [
        "/* Made by tests/goldens/metrics.py with scikit-learn 1.9.1: label, negative, positive of "
        "made-up predictions, and the expected figures. */"
    ]
    table = []
    for name, label, probs in cases():
        rows = ", ".join("{%d, %g, %g}" % (l, a, b) for l, (a, b) in zip(label, probs))
        out.append("static const double %s_rows[][3] = {%s};" % (name, rows))
        values = expected(label, probs)
        table.append('    {"%s", %s_rows, %d, {%s}},' %
                     (name, name, len(label), ", ".join("%.17g" % v for v in values)))
    out.append(
        "/* tn, fp, fn, tp, accuracy, balanced accuracy, precision x2, recall x2, F1 x2, macro F1, "
        "Matthews, ROC AUC, precision_tf, Brier */"
    )
    out.append("static const golden_case golden_cases[] = {\n%s\n};" % "\n".join(table))
    with open(os.path.join(HERE, "metrics.inc"), "w") as f:
        f.write("\n".join(out) + "\n")


main()
