#!/usr/bin/env python3
"""Remakes tests/goldens/ledoit_wolf.inc: made-up groups, and what scikit-learn says of their shrunk
covariance and of distances.

    tests/goldens/ledoit_wolf.py        in an environment of its own, build/venv-metrics
    VENV=/some/venv tests/goldens/ledoit_wolf.py
"""
import os

import environment

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["scikit-learn==1.9.1"]


def main():
    environment.enter("metrics", PACKAGES)
    import numpy as np
    from sklearn.covariance import LedoitWolf

    rng = np.random.default_rng(11)
    out = [
        "/* Made by tests/goldens/ledoit_wolf.py with scikit-learn 1.9.1: rows of a group, the "
        "shrinkage, vectors, and their distances. */"
    ]
    table = []
    for name, n, p in (("few", 21, 24), ("many", 40, 3)): # fewer people than numbers, and more
        mix = rng.normal(size=(p, p)) / np.sqrt(p)
        rows = np.round((rng.normal(size=(n, p)) @ mix) * np.geomspace(0.1, 10, p) + 3, 3)
        vectors = np.round(
            (rng.normal(size=(4, p)) @ mix) * np.geomspace(0.1, 10, p) * [[1], [1], [2], [5]] + 3,
            3)
        mean, scale = rows.mean(0), rows.std(0)
        found = LedoitWolf().fit((rows - mean) / scale)
        distances = np.sqrt(found.mahalanobis((vectors - mean) / scale) / p)
        flat = lambda a: ", ".join("%g" % v for v in a.ravel())
        out.append("static const double %s_rows[] = {%s};" % (name, flat(rows)))
        out.append("static const double %s_vectors[] = {%s};" % (name, flat(vectors)))
        table.append("    {%s_rows, %d, %d, %.17g, %s_vectors, {%s}}," %
                     (name, n, p, found.shrinkage_, name, ", ".join("%.17g" % d
                                                                    for d in distances)))
    out.append("static const golden_group golden_groups[] = {\n%s\n};" % "\n".join(table))
    with open(os.path.join(HERE, "ledoit_wolf.inc"), "w") as f:
        f.write("\n".join(out) + "\n")


main()
