"""The Python package as installed: test_skincredible.py ROOT BIN (the tools, for the same bits)."""
import gc
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np

import skincredible as sk
from skincredible import _lib
from skincredible.sklearn_api import SequenceClassifier

ROOT, BIN = sys.argv[1:3]


def photos(batch=2, frames=4, size=16, seed=1):
    return np.random.default_rng(seed).random((batch, frames, size, size, 3), np.float32)


class Types(unittest.TestCase):
    def test_sizes_are_those_of_the_headers(self):
        sizes = {}
        for name in ("convlstm", "mtcnn"):
            with open(f"{ROOT}/tests/embed/abi/{name}.txt", encoding="utf-8") as file:
                sizes.update(re.findall(r"^sizeof (\w+) (\d+)$", file.read(), re.M))
        for name, kind in _lib.C_NAMES.items():
            self.assertEqual(_lib.C.sizeof(kind), int(sizes[name]), name)

    def test_functions_are_declared(self):
        declared = ""
        for name in ("convlstm", "mtcnn"):
            with open(f"{ROOT}/tests/embed/abi/{name}.txt", encoding="utf-8") as file:
                declared += file.read()
        for name, (_, arguments) in {**_lib._CONVLSTM, **_lib._MTCNN}.items():
            found = re.search(rf"[ *]{name} \((.*)\);", declared)
            self.assertTrue(found, name)
            count = 0 if found[1] == "void" else found[1].count(",") + 1
            self.assertEqual(len(arguments), count, name)


class Models(unittest.TestCase):
    def setUp(self):
        self.model = sk.Model.preset("skincredible-gap", 16, 16, seed=3)

    def test_predict_gives_the_tools_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            x = photos(3, 5)
            mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 1, 1, 0]], np.uint8)
            self.model.save(f"{folder}/m.safetensors")
            np.savez(f"{folder}/x.npz", x=x, mask=mask)
            subprocess.run([f"{BIN}/skin-predict", f"{folder}/m.safetensors", "--npz",
                            f"{folder}/x.npz", "-o", f"{folder}/y.npz"], check=True,
                           capture_output=True)
            with np.load(f"{folder}/y.npz") as file:
                expected = file[file.files[0]]
            loaded = sk.Model.load(f"{folder}/m.safetensors")
            self.assertTrue(np.array_equal(loaded.predict(x, mask), expected))
            self.assertEqual(loaded.description, self.model.description)

    def test_one_sequence_is_a_batch_of_one(self):
        x = photos(1)
        self.assertTrue(np.array_equal(self.model.predict(x[0]), self.model.predict(x)[0]))

    def test_arrays_are_read_in_place(self):
        from skincredible.model import Inputs
        x, mask = photos(), np.ones((2, 4), np.uint8)
        inputs = Inputs(self.model, x, mask)
        self.assertTrue(np.shares_memory(inputs.x, x) and np.shares_memory(inputs.mask, mask))
        self.assertTrue(np.shares_memory(Inputs(self.model, x, mask != 0).x, x))

    def test_masked_sequences(self):
        x = photos()
        x[1] = 0
        with self.assertRaises(sk.NoValidFramesError) as caught:
            self.model.predict(x)
        self.assertEqual(caught.exception.status, "NO_VALID_FRAMES")
        self.assertIsInstance(caught.exception, ValueError)
        out = self.model.predict(x, missing="nan")
        self.assertTrue(np.isnan(out[1]).all() and np.isfinite(out[0]).all())

    def test_stream_gives_the_same_bits(self):
        x, session = photos(1, 5)[0], self.model.session(1)
        stream = session.stream(16, 16)
        stream.step(x[0])
        stream.step(None, valid=False)
        stream.step(x[2], want=False)
        state = stream.state()
        last = stream.step(x[3])
        again = self.model.session().stream(16, 16)
        again.restore(state)
        self.assertTrue(np.array_equal(again.step(x[3]), last))
        mask = [1, 0, 1, 1, 0]
        self.assertTrue(np.array_equal(self.model.predict(x, mask), last))
        other = session.stream(16, 16)
        with self.assertRaisesRegex(ValueError, "another stream"):
            stream.step(x[0])
        other.step(x[0])

    def test_weights(self):
        name = self.model.names()[0]
        weight = self.model[name]
        with self.assertRaises(ValueError):
            weight[...] = 0
        before = self.model.predict(photos())
        self.model[name] = weight * 2
        self.assertFalse(np.array_equal(self.model.predict(photos()), before))
        with self.assertRaises(KeyError):
            self.model["no/such"]
        with self.assertRaises(sk.ShapeError):
            self.model[name] = np.zeros(3)
        del self.model
        gc.collect()
        self.assertTrue(np.isfinite(weight).all())  # the view keeps the model

    def test_circles_are_freed_in_any_order(self):
        for order in range(2):
            model = sk.Model.preset("skincredible-gap", 8, 8)
            things = [model, model.session(1), sk.Trainer(model)]
            for thing in things[::1 - 2 * order]:
                thing.circle = things
            del model, things, thing
            gc.collect()

    def test_errors_name_what_is_wrong(self):
        with self.assertRaisesRegex(sk.FileError, "none.safetensors"):
            sk.Model.load("none.safetensors")
        with self.assertRaises(OSError):
            sk.Model.load("none.safetensors")
        with self.assertRaises(sk.FormatError):
            sk.Model.from_description("{")
        with self.assertRaises(sk.ShapeError):
            self.model.predict(np.zeros((2, 4, 16, 16, 1), np.float32))
        with self.assertRaises(sk.ShapeError):
            self.model.predict(photos(), mask=[[1, 1]])
        with self.assertRaisesRegex(ValueError, "'never'"):
            self.model.predict(photos(), missing="never")

    def test_other_threads_run_meanwhile(self):
        """The interpreter's lock is released, and threads with a session each give the same
        bits."""
        x = photos(4, 6, 48)
        expected, counted, done, wrong = self.model.predict(x), [0], [False], []

        def count():
            while not done[0]:
                counted[0] += 1

        def predict():
            session = self.model.session(1)
            for _ in range(3):
                if not np.array_equal(session.predict(x), expected):
                    wrong.append(1)

        counter = threading.Thread(target=count)
        counter.start()
        team = [threading.Thread(target=predict) for _ in range(4)]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
        done[0] = True
        counter.join()
        self.assertFalse(wrong)
        self.assertGreater(counted[0], 1000)


class Training(unittest.TestCase):
    def test_gradient_is_the_slope(self):
        model = sk.Model.preset("skincredible-gap", 8, 8, seed=2)
        trainer = sk.Trainer(model, "softmax", "sgd", learning_rate=0.1, exact_gates=1)
        x, y = photos(2, 3, 8), np.eye(2, dtype=np.float32)
        trainer.gradients(x, y)
        name = [n for n in model.names() if n.startswith("dense")][0]
        gradient, weight = trainer.gradient(name), model[name].copy()
        place = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
        losses = []
        for by in (1e-2, -1e-2):
            moved = weight.copy()
            moved[place] += by
            model[name] = moved
            losses.append(trainer.gradients(x, y).loss)
        self.assertAlmostEqual((losses[0] - losses[1]) / 2e-2, gradient[place], delta=1e-4)
        self.assertGreater(abs(gradient[place]), 5e-3)

    def test_fit_learns_and_resumes(self):
        model = sk.Model.preset("skincredible-gap", 8, 8, seed=2)
        x = np.clip(photos(8, 3, 8) * 0.2 + np.arange(8)[:, None, None, None, None] % 2 * 0.7, 0, 1)
        y = np.eye(2, dtype=np.float32)[np.arange(8) % 2]
        trainer, seen = sk.Trainer(model, "softmax", learning_rate=0.01), []
        with self.assertLogs("skincredible.trainer", logging.INFO):
            history = trainer.fit(x, y, epochs=6, batch_size=4, validation=(x, y),
                                  progress=seen.append)
        self.assertEqual(seen, history)
        self.assertLess(history[-1]["loss"], history[0]["loss"])
        self.assertEqual(trainer.steps, 12)
        with tempfile.TemporaryDirectory() as folder:
            trainer.save(f"{folder}/c", {"epoch": 6})
            other = sk.Trainer(sk.Model.preset("skincredible-gap", 8, 8, seed=9), "softmax",
                               learning_rate=0.01)
            self.assertEqual(other.restore(f"{folder}/c"), {"epoch": 6})
        self.assertEqual(trainer.step(x, y).loss, other.step(x, y).loss)
        self.assertTrue(np.array_equal(model.predict(x), other.model.predict(x)))
        self.assertEqual(len(trainer.fit(x, y, epochs=5, progress=lambda row: False)), 1)

    def test_options(self):
        model = sk.Model.preset("skincredible-gap", 8, 8)
        with self.assertRaisesRegex(TypeError, "'rate'"):
            sk.Trainer(model, rate=1)
        with self.assertRaisesRegex(ValueError, "'l2'"):
            sk.Trainer(model, "l2")
        with self.assertRaises(sk.ArgumentError):
            sk.Trainer(model, rates={"no_layer": 1})
        trainer = sk.Trainer(model, class_weight=(1, 2), rates={"dense": 0.5}, learning_rate=0.25)
        self.assertEqual(trainer.learning_rate, 0.25)
        with self.assertRaises(sk.ShapeError):
            trainer.step(photos(2, 3, 8), np.zeros((2, 3)))

    def test_classifier(self):
        x = np.clip(photos(8, 3, 8) * 0.2 + np.arange(8)[:, None, None, None, None] % 2 * 0.7, 0, 1)
        y = np.array(["dark", "bright"])[np.arange(8) % 2]
        network = sk.Model.preset("skincredible-gap", 8, 8).description
        # its moving averages need more steps than a test has
        network["layers"] = [layer for layer in network["layers"]
                             if layer["type"] != "batch_normalization"]
        classifier = SequenceClassifier(network, epochs=40, batch_size=4, learning_rate=0.01)
        self.assertEqual(classifier.get_params()["epochs"], 40)
        classifier.fit(x, y)
        self.assertEqual(classifier.score(x, y), 1.0)
        self.assertEqual(list(classifier.classes_), ["bright", "dark"])
        with self.assertRaisesRegex(ValueError, "3 classes"):
            SequenceClassifier().fit(x[:3], ["a", "b", "c"])


# A camera and a sensor in, a class and frames out.
LSTM = {"type": "conv_lstm2d", "kernel_size": 3, "padding": "same",
        "recurrent_activation": "sigmoid", "return_sequences": True}
SEVERAL = {
    "format": 1,
    "inputs": [{"name": "film", "height": 8, "width": 6, "channels": 3},
               {"name": "sensor", "channels": 2}],
    "layers": [
        {**LSTM, "name": "cell", "filters": 4, "inputs": ["film"]},
        {"type": "conv2d", "name": "frames", "filters": 1, "kernel_size": 1},
        {"type": "global_average_pool", "name": "seen", "inputs": ["cell"]},
        {"type": "global_average_pool", "name": "felt", "inputs": ["sensor"]},
        {"type": "concatenate", "name": "both", "inputs": ["seen", "felt"]},
        {"type": "dense", "name": "class", "units": 2, "activation": "softmax"}],
    "outputs": ["class", "frames"]}


class SeveralInputsAndOutputs(unittest.TestCase):
    def setUp(self):
        self.model = sk.Model.from_description(SEVERAL, seed=3)
        draw = np.random.default_rng(5)
        self.x = {"film": draw.random((3, 4, 8, 6, 3), np.float32),
                  "sensor": draw.random((3, 4, 2), np.float32)}
        self.y = {"class": np.eye(2, dtype=np.float32)[[0, 1, 0]],
                  "frames": draw.random((3, 4, 8, 6, 1), np.float32)}

    def test_what_there_is(self):
        self.assertEqual([(i.name, i.shape) for i in self.model.inputs],
                         [("film", (8, 6, 3)), ("sensor", (2,))])
        self.assertEqual([(o.name, o.shape) for o in self.model.outputs(4, 8, 6)],
                         [("class", (2,)), ("frames", (4, 8, 6, 1))])

    def test_outputs_are_those_of_networks_with_one(self):
        got = self.model.predict(self.x)
        self.assertEqual(list(got), ["class", "frames"])
        layers = SEVERAL["layers"]
        film = {"height": 8, "width": 6, "channels": 3}
        alone = {"class": ({"inputs": SEVERAL["inputs"],
                            "layers": [k for k in layers if k["name"] != "frames"]}, self.x),
                 "frames": ({"input": film, "layers": [{**layers[0], "inputs": ["input"]},
                                                       layers[1]]}, self.x["film"])}
        for name, (network, x) in alone.items():
            one = sk.Model.from_description({"format": 1, **network})
            for weight in one.names():
                one[weight] = self.model[weight]
            self.assertTrue(np.array_equal(one.predict(x), got[name]), name)

    def test_the_tools_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            mask = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 0, 0]], np.uint8)
            self.model.save(f"{folder}/m.safetensors")
            np.savez(f"{folder}/x.npz", **self.x, mask=mask)
            subprocess.run([f"{BIN}/skin-predict", f"{folder}/m.safetensors", "--npz",
                            f"{folder}/x.npz", "-o", f"{folder}/y.npz"], check=True,
                           capture_output=True)
            got = self.model.predict(self.x, mask)
            with np.load(f"{folder}/y.npz") as file:
                for name, values in got.items():
                    self.assertTrue(np.array_equal(file[name], values), name)

    def test_a_list_and_one_sequence(self):
        whole = self.model.predict(self.x)
        listed = self.model.session(1).predict([self.x["film"], self.x["sensor"]])
        one = self.model.predict({name: values[1] for name, values in self.x.items()})
        for name in whole:
            self.assertTrue(np.array_equal(listed[name], whole[name]))
            self.assertTrue(np.array_equal(one[name], whole[name][1]))

    def test_missing_frames(self):
        mask = np.ones((3, 4), bool)
        mask[1] = False
        got = self.model.predict(self.x, mask, missing="nan")
        for values in got.values():
            self.assertTrue(np.isnan(values[1]).all() and np.isfinite(values[[0, 2]]).all())

    def test_stream(self):
        stream, whole = self.model.session(1).stream(), self.model.predict(self.x)
        for t in range(4):
            got = stream.step({name: values[2, t] for name, values in self.x.items()})
            self.assertTrue(np.array_equal(got["frames"], whole["frames"][2, t]))
        self.assertTrue(np.array_equal(got["class"], whole["class"][2]))

    def test_training(self):
        trainer = sk.Trainer(self.model, {"class": ("softmax", 0.5), "frames": "mse"}, "sgd",
                             learning_rate=0.1)
        before = self.model.predict(self.x)
        result = trainer.gradients(self.x, self.y)
        self.assertTrue(np.array_equal(result.outputs["frames"], before["frames"]))
        mse = float(np.mean((before["frames"] - self.y["frames"]) ** 2))
        right = before["class"][np.arange(3), [0, 1, 0]]
        self.assertAlmostEqual(result.losses["frames"], mse, 5)
        self.assertAlmostEqual(result.losses["class"], float(-np.log(right).mean()), 5)
        self.assertAlmostEqual(result.loss, 0.5 * result.losses["class"] + mse, 5)
        history = trainer.fit(self.x, self.y, epochs=30, batch_size=2,
                              validation=([self.x["film"], self.x["sensor"]],
                                          [self.y["class"], self.y["frames"]]))
        self.assertLess(history[-1]["validation_loss"], 0.9 * history[0]["validation_loss"])

    def test_errors_name_what_is_wrong(self):
        predict = self.model.predict
        with self.assertRaisesRegex(sk.ArgumentError, "film, sensor"):
            predict(self.x["film"])
        with self.assertRaisesRegex(sk.ArgumentError, "x has 1 arrays"):
            predict([self.x["film"]])
        with self.assertRaisesRegex(sk.ArgumentError, "camera, sensor"):
            predict({"camera": self.x["film"], "sensor": self.x["sensor"]})
        with self.assertRaisesRegex(sk.ShapeError, "sensor has the shape"):
            predict({**self.x, "sensor": self.x["sensor"][..., :1]})
        with self.assertRaisesRegex(sk.ShapeError, "sensor has .* frames"):
            predict({**self.x, "sensor": self.x["sensor"][:, :3]})
        with self.assertRaisesRegex(ValueError, "'frames'"):
            sk.Trainer(self.model, {"class": "softmax"})
        with self.assertRaises(sk.ArgumentError):
            sk.Trainer(self.model, {"class": "softmax", "frames": "mse", "other": "mse"})
        trainer = sk.Trainer(self.model, {"class": "softmax", "frames": "mse"})
        with self.assertRaisesRegex(sk.ShapeError, "y of frames"):
            trainer.step(self.x, {**self.y, "frames": self.y["class"]})


@unittest.skipUnless(os.path.exists(f"{ROOT}/weights/mtcnn.safetensors"), "no weights")
class Faces(unittest.TestCase):
    def setUp(self):
        with np.load(f"{ROOT}/tests/goldens/mtcnn_people.npz") as people:
            self.people = people["people"]
        self.detector = sk.Detector(f"{ROOT}/weights/mtcnn.safetensors", num_threads=1)

    def test_detect_and_crop(self):
        picture = self.people if self.people.ndim == 3 else self.people[0]
        faces = self.detector.detect(picture)
        self.assertGreater(len(faces), 0)
        self.assertEqual(self.detector.stats.found, len(faces))
        turned = self.detector.detect(picture[:, :, ::-1], order="bgr")
        self.assertEqual([f.box for f in turned], [f.box for f in faces])
        wide = np.zeros((picture.shape[0], picture.shape[1] + 7, 3), np.uint8)
        wide[:, :-7] = picture
        inside = self.detector.copy().detect(wide[:, :-7])  # rows with gaps, in place
        self.assertEqual([f.score for f in inside], [f.score for f in faces])
        crop = self.detector.crop(picture, faces[0], 96)
        x, y, w, h = faces[0].box
        self.assertEqual((crop.shape, crop.dtype), ((96, 96, 3), np.uint8))
        self.assertLess(abs(crop.mean() - picture[y:y + h, x:x + w].mean()), 2)
        for mode in ("square", "aligned"):
            self.assertEqual(
                self.detector.crop(picture, faces[0], 48, mode=mode).shape, (48, 48, 3))

    def test_errors(self):
        with self.assertRaises(TypeError):
            self.detector.detect(np.zeros((40, 40, 3), np.float32))
        with self.assertRaises(sk.ShapeError):
            self.detector.detect(np.zeros((40, 40, 2), np.uint8))
        with self.assertRaises(sk.UnsupportedError):
            sk.Detector(f"{ROOT}/weights/mtcnn.safetensors", profile="other")
        with self.assertRaises(sk.ArgumentError):
            sk.Detector(f"{ROOT}/weights/mtcnn.safetensors", min_face=-1)
        with self.assertRaisesRegex(TypeError, "'minimum'"):
            sk.Detector(f"{ROOT}/weights/mtcnn.safetensors", minimum=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
