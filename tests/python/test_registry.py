"""Models and detectors by name, manifests, randomised copies."""

import os
import tempfile
import warnings

import numpy as np
import whyface
from testing import TestCase, main, picture, skip_all

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    skip_all("python3-onnx is not installed")


class Registry(TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        old = os.environ.get("WHYFACE_HOME")
        os.environ["WHYFACE_HOME"] = self.folder.name
        self.addCleanup(
            lambda: os.environ.pop("WHYFACE_HOME")
            if old is None
            else os.environ.update(WHYFACE_HOME=old)
        )
        for variable in ("WHYFACE_MODEL", "WHYFACE_DETECTOR"):
            os.environ.pop(variable, None)

    def test_empty(self):
        self.assertEqual(whyface.home(), self.folder.name)
        self.assertEqual(whyface.registry(), [])
        self.assert_fails(
            FileNotFoundError, "no model is registered", whyface.load_model
        )
        self.assert_fails(
            FileNotFoundError, "no detector is registered", whyface.Detector
        )
        self.assert_fails(whyface.Error, "nosuch", whyface.load_model, "nosuch")
        self.assert_fails(whyface.Error, "nosuch", whyface.Detector, "nosuch")

    def test_model(self):
        path = os.path.join(self.folder.name, "tiny.onnx")
        weights = (
            np.random.default_rng(1).normal(size=(8, 3, 16, 16)).astype("f4")
        )
        graph = helper.make_graph(
            [
                helper.make_node("Conv", ["x", "w"], ["y"], strides=[16, 16]),
                helper.make_node("Flatten", ["y"], ["z"]),
            ],
            "tiny",
            [
                helper.make_tensor_value_info(
                    "x", TensorProto.FLOAT, ["n", 3, 32, 32]
                )
            ],
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 32])],
            [numpy_helper.from_array(weights, "w")],
        )
        file = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 11)]
        )
        file.ir_version = 6
        onnx.save(file, path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            guessed = whyface.load_model(path)
        self.assertTrue(guessed.info.guessed)
        self.assertEqual(
            [w.category for w in caught], [whyface.GuessedModelWarning]
        )
        self.assertEqual(caught[0].filename, __file__)

        def reference(rgb, mean, scale, order=1):
            x = (np.float64(rgb).transpose(2, 0, 1)[::order] - mean) * scale
            blocks = x.reshape(3, 2, 16, 2, 16)
            return np.einsum("cyixj,dcij->dyx", blocks, weights).ravel()

        rgb = picture(7)
        with whyface.load_model(
            path, colour="bgr", mean=100, scale=0.01
        ) as model:
            self.assertEqual(
                (model.info.colour, model.info.guessed), ("BGR", False)
            )
            np.testing.assert_allclose(
                model.embed(rgb),
                reference(rgb, 100, 0.01, -1),
                rtol=1e-3,
                atol=1e-3,
            )
        added = whyface.add_model(path, "mine")
        [entry] = whyface.registry()
        self.assertEqual(
            (entry.name, entry.kind, entry.usable), ("mine", "model", True)
        )
        self.assert_fails(
            FileExistsError, "mine", whyface.add_model, path, "mine"
        )
        whyface.add_model(path, "mine", replace=True)
        added.store_thresholds(
            [whyface.Threshold(0.4, "eer", 0.1, 0.1, "here")]
        )
        self.assertEqual(added.threshold().source, "here")
        self.assertEqual(whyface.load_model().threshold("eer").value, 0.4)
        whyface.add_model(path, "other")
        self.assert_fails(
            ValueError,
            "several models are registered (mine, other)",
            whyface.load_model,
        )
        os.environ["WHYFACE_MODEL"] = "other"
        self.assertEqual(whyface.load_model().info.name, "other")
        self.assert_fails(
            ValueError, "backend", whyface.load_model, path, backend="gpu"
        )
        self.check_layers(added, rgb)

    def check_layers(self, model, rgb):
        [layer] = model.layers()
        self.assertEqual((layer.op, layer.weights), ("Conv", 8 * 3 * 16 * 16))
        again = model.randomised(0, 1, seed=5)
        self.assertFalse(np.allclose(again.embed(rgb), model.embed(rgb)))
        np.testing.assert_array_equal(
            again.embed(rgb), model.randomised(0, 1, seed=5).embed(rgb)
        )
        self.assert_fails(
            ValueError, "normal, shuffle", model.randomised, 0, 1, how="zero"
        )
        self.assert_fails(ValueError, "0 to 9", model.randomised, 0, 9)
        self.assert_fails(
            ValueError, "first is an integer", model.randomised, -1, 1
        )


main()
