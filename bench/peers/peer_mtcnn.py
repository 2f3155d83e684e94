"""The package mtcnn (TensorFlow), whole detections."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from mtcnn import MTCNN

import cascade


def variants(peer, work, threads, folder, tune):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    def make():
        photo, detector = cascade.photo(folder), MTCNN(device="CPU:0")

        def run():
            faces = detector.detect_faces(photo, min_face_size=20)
            return np.array([[
                f["box"][0], f["box"][1], f["box"][0] + f["box"][2], f["box"][1] + f["box"][3],
                f["confidence"]
            ] for f in faces], float)

        return run, run

    yield "its own pipeline", make
