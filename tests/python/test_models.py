"""Images, models that are Python functions, embeddings, the registry."""

import gc
import math
import os
import pickle
import tempfile
import weakref

import numpy as np
import whyface
from testing import SIDE, TestCase, cell_model, cells, main, picture


class Images(TestCase):
    def test_array_and_back(self):
        pixels = picture(1)
        image = whyface.load_image(pixels)
        self.assertEqual((image.width, image.height), (SIDE, SIDE))
        np.testing.assert_array_equal(image.pixels, pixels)
        np.testing.assert_array_equal(np.asarray(image), pixels)
        self.assertIs(whyface.load_image(image), image)
        part = picture(2)[3:, 5:][:, ::-1]  # strides of its own
        np.testing.assert_array_equal(whyface.load_image(part).pixels, part)
        grey = pixels[:, :, 0]
        for source in (grey, grey[:, :, None]):
            np.testing.assert_array_equal(
                whyface.load_image(source).pixels, grey[:, :, None].repeat(3, 2)
            )

    def test_files(self):
        image = whyface.load_image(picture(3))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "é.png")
            image.save(path)
            again = whyface.load_image(path)
            with open(path, "rb") as file:
                data = file.read()
        self.assertEqual(again.name, path)
        np.testing.assert_array_equal(again.pixels, image.pixels)
        for source in (
            data,
            bytearray(data),
            memoryview(data),
            image.encode(".png"),
        ):
            np.testing.assert_array_equal(
                whyface.load_image(source).pixels, image.pixels
            )
        self.assertEqual(image.encode(".jpg")[:3], b"\xff\xd8\xff")
        self.assertEqual(image._repr_png_(), image.encode(".png"))

    def test_view_outlives_its_image(self):
        pixels = whyface.load_image(picture(4)).pixels
        gc.collect()
        np.testing.assert_array_equal(pixels, picture(4))
        self.assertFalse(pixels.flags.writeable)
        self.assertFalse(pixels.flags.owndata)

    def test_errors(self):
        fails, load = self.assert_fails, whyface.load_image
        e = fails(FileNotFoundError, "'no.jpg'", load, "no.jpg")
        self.assertIsInstance(e, whyface.Error)
        self.assertEqual(e.status, whyface.Status.WF_ENOENT)
        fails(whyface.ImageError, "mine", load, b"no picture", "mine")
        fails(ValueError, "float64; pixels are uint8", load, np.zeros((4, 4)))
        fails(
            ValueError, "shape (4, 4, 4)", load, np.zeros((4, 4, 4), np.uint8)
        )
        fails(ValueError, "shape (3,)", load, np.zeros(3, np.uint8))
        fails(ValueError, "0 x 4", load, np.zeros((4, 0), np.uint8))
        fails(ValueError, "NUL", load, "a\0b.jpg")
        fails(ValueError, "object", load, None)
        image = load(picture(1))
        fails(ValueError, "'.gif'", image.encode, ".gif")
        fails(OSError, "nowhere", image.save, "/nowhere/a.png")

    def test_errors_know_their_base(self):
        """Every status has a class of its own, which says so."""
        classes = whyface.Error.__subclasses__()
        self.assertEqual(
            {c.status for c in classes},
            set(whyface.Status) - {whyface.Status.WF_OK},
        )
        for c in classes:
            self.assertEqual(str(c("sentence")), "sentence")
            self.assertIn(c.__name__, whyface.__all__)


class Functions(TestCase):
    def test_input(self):
        """What the function gets is what the manifest's formula says."""
        rgb = picture(5)
        for colour, expected in (
            ("RGB", rgb.transpose(2, 0, 1)),
            ("BGR", rgb.transpose(2, 0, 1)[::-1]),
        ):
            seen = []

            def fn(batch):
                seen.append(batch)
                return cells(batch)

            model = cell_model(
                fn, colour=colour, mean=(1, 2, 3), scale=(0.5, 2, 4)
            )
            del seen[:]
            model.embed(rgb)
            self.assertEqual((seen[0].dtype, seen[0].shape[0]), (np.float32, 1))
            mean, scale = np.array([[1, 2, 3], [0.5, 2, 4]]).reshape(2, 3, 1, 1)
            np.testing.assert_allclose(
                seen[0][0], (expected - mean) * scale, rtol=1e-6, atol=1e-5
            )
        model = cell_model(colour="grey")
        self.assertEqual(model.info.dim, (SIDE // 4) ** 2)

    def test_info(self):
        model = cell_model(name="mine", threshold=0.25, mean=5, scale=(1, 2, 3))
        info = model.info
        self.assertEqual((info.width, info.height, info.dim), (SIDE, SIDE, 192))
        self.assertEqual(
            (info.name, info.backend, info.colour), ("mine", "callback", "RGB")
        )
        self.assertEqual((info.mean, info.scale), ((5, 5, 5), (1, 2, 3)))
        self.assertEqual(info.points.shape, (5, 2))
        self.assertEqual(model.threshold().value, 0.25)
        self.assertEqual(model.threshold("given").value, 0.25)
        self.assertEqual(model.threshold(0.5).value, 0.5)
        self.assertIsNone(model.threshold(math.nan))
        self.assertIsNone(cell_model().threshold())
        self.assert_fails(
            ValueError,
            "no threshold 'eer'; it has given",
            model.threshold,
            "eer",
        )
        self.assert_fails(ValueError, "cosine similarity", model.threshold, 1.5)
        points = np.arange(10).reshape(5, 2)
        np.testing.assert_array_equal(
            cell_model(points=points).info.points, points
        )

    def test_embed(self):
        batches = []

        def fn(batch):
            batches.append(len(batch))
            return cells(batch)

        model = cell_model(fn, batch=3)
        pictures = [picture(i) for i in range(7)]
        del batches[:]
        several = whyface.embed(model, pictures)
        self.assertEqual(batches, [3, 3, 1])
        self.assertEqual((several.shape, several.dtype), ((7, 192), np.float32))
        expected = cells(
            (np.stack(pictures).transpose(0, 3, 1, 2).astype("f4") - 127.5)
            / 127.5
        )
        np.testing.assert_allclose(several, expected, atol=1e-5)
        np.testing.assert_array_equal(model.embed(np.stack(pictures)), several)
        np.testing.assert_array_equal(model.embed(pictures[2]), several[2])
        self.assertEqual(model.embed([]).shape, (0, 192))
        self.assert_fails(
            whyface.ShapeError, "takes 32 x 32", model.embed, picture(1, 64)
        )

    def test_whatever_numbers(self):
        """float64, integers, booleans and lists of lists are taken."""
        for convert in (
            np.float64,
            np.int16,
            np.float16,
            lambda x: (x > 0),
            lambda x: np.round(x).tolist(),
        ):
            model = cell_model(lambda x, c=convert: c(cells(x) * 100))
            got = model.embed(picture(1))
            self.assertEqual((got.dtype, got.shape), (np.float32, (192,)))

    def test_batches_are_the_functions_own(self):
        """They may be kept and changed."""
        kept = []

        def fn(batch):
            kept.append(batch)
            result = cells(batch)
            batch[:] = 7
            return result

        model = cell_model(fn)
        first, second = model.embed(picture(1)), model.embed(picture(1))
        np.testing.assert_array_equal(first, second)
        self.assertTrue(all((batch == 7).all() for batch in kept))

    def test_wrong_functions(self):
        def raises(batch):
            raise ZeroDivisionError("my own fault")

        late = []  # of the call that finds dim, and of the next

        def fails_later(batch):
            late.append(1)
            return cells(batch) if len(late) == 1 else raises(batch)

        e = self.assert_fails(
            whyface.BackendError,
            "the function of model 'mine' raised ZeroDivisionError: my own "
            "fault",
            cell_model,
            raises,
            name="mine",
        )
        self.assertIsInstance(e.__cause__, ZeroDivisionError)
        self.assertEqual(e.status, whyface.Status.WF_EBACKEND)
        e = self.assert_fails(
            whyface.BackendError,
            "raised ZeroDivisionError: my own fault",
            cell_model(fails_later).embed,
            picture(1),
        )
        self.assertIsInstance(e.__cause__, ZeroDivisionError)
        for fn, text in (
            (
                lambda x: cells(x)[0],
                "shape (192,) for a batch of 2; expected 2 x D",
            ),
            (lambda x: cells(x)[:1], "shape (1, 192) for a batch of 2"),
            (lambda x: x, "shape (2, 3, 32, 32)"),
            (lambda x: cells(x)[:, :0], "shape (2, 0)"),
            (lambda x: None, "returned a NoneType of object"),
            (lambda x: cells(x).astype(complex), "of complex128"),
            (lambda x: ["a", "b"], "real numbers"),
            (lambda x: [[1], [1, 2]], "which NumPy cannot take"),
            (lambda x: cells(x) * np.nan, "NaN or infinity for crop 0"),
        ):
            self.assert_fails(whyface.BackendError, text, cell_model, fn)
        self.assert_fails(
            TypeError, "a function, got str", cell_model, "resnet"
        )

    def test_second_crop_is_nan(self):
        def fn(batch):
            out = cells(batch)
            out[batch[:, 0, 0, 0] > 0.9] = np.nan
            return out

        pictures = [picture(1), picture(2)]
        pictures[0][0, 0] = 0
        pictures[1][0, 0] = 255
        self.assert_fails(
            whyface.BackendError,
            "NaN or infinity for crop 1 (from 0) of a batch of 2",
            cell_model(fn).embed,
            pictures,
        )

    def test_zero_embedding(self):
        self.assert_fails(
            whyface.EmbeddingError,
            "all zero",
            cell_model(lambda x: cells(x) * 0).embed,
            picture(1),
        )

    def test_changing_length(self):
        lengths = iter([8, 8, 9])
        model = cell_model(lambda x: cells(x)[:, : next(lengths)])
        model.embed(picture(1))
        self.assert_fails(
            whyface.BackendError,
            "embeddings of 9; expected 8",
            model.embed,
            picture(1),
        )

    def test_system_exit_is_not_wrapped(self):
        calls = []

        def fn(batch):
            calls.append(1)
            if len(calls) > 1:
                raise SystemExit(3)
            return cells(batch)

        with self.assertRaises(SystemExit):
            cell_model(fn).embed(picture(1))

    def test_wrong_settings(self):
        for settings, text in (
            ({"width": 0}, "width is an integer from 1 to 4096, got 0"),
            ({"height": 2**40}, "height is an integer"),
            ({"width": 1.5}, "width is an integer"),
            ({"dim": 0}, "dim is an integer"),
            ({"batch": 0}, "batch is an integer from 1 to 4096"),
            ({"batch": 5000}, "batch is an integer from 1 to 4096"),
            ({"colour": "CMYK"}, "colour is one of RGB, BGR, grey"),
            ({"mean": (1, 2)}, "mean takes a finite number or three"),
            ({"scale": math.inf}, "scale takes a finite number"),
            ({"points": np.zeros((4, 2))}, "5 x 2"),
            ({"name": "x" * 64}, "longer than 63 bytes"),
            ({"threshold": 2}, "cosine similarity"),
        ):
            self.assert_fails(ValueError, text, cell_model, **settings)
        self.assert_fails(
            whyface.BackendError,
            "expected 4",
            cell_model(dim=4).embed,
            picture(1),
        )

    def test_no_white_box(self):
        self.assert_fails(
            NotImplementedError,
            "",
            whyface.explain,
            cell_model(),
            picture(1),
            picture(2),
            method="gradient",
        )
        self.assert_fails(NotImplementedError, "", cell_model().layers)


class Lifetime(TestCase):
    def test_freed_with_the_last_reference(self):
        """Also where the function refers to the model."""

        class Owner:
            def __init__(self):
                self.model = cell_model(self.embed)

            def embed(self, batch):
                return cells(batch)

        owner = Owner()
        finalizer = owner.model._handle._finalize
        owner.model.embed(picture(1))
        dead = weakref.ref(owner)
        del owner
        gc.collect()
        self.assertIsNone(dead())
        self.assertFalse(finalizer.alive)

    def test_close(self):
        with cell_model() as model:
            model.embed(picture(1))
        self.assert_fails(
            ValueError, "the model has been closed", model.embed, picture(1)
        )
        model.close()

    def test_pickle(self):
        """Nothing that holds a pointer is pickled as a number."""
        for thing in (cell_model(), whyface.load_image(picture(1))):
            with self.assertRaises((TypeError, AttributeError, ValueError)):
                pickle.dumps(thing)


class Comparing(TestCase):
    def test_similarity(self):
        self.assertAlmostEqual(whyface.similarity([1, 2, 2], [-2, -4, -4]), -1)
        self.assertEqual(whyface.similarity([1, 2], [0, 0]), 0)
        self.assert_fails(
            ValueError, "(2,) and (3,)", whyface.similarity, [1, 2], [1, 2, 3]
        )

    def test_verify(self):
        model = cell_model(threshold=0.5)
        a, b = picture(1), picture(2)
        same, other = whyface.verify(model, a, a), whyface.verify(model, a, b)
        self.assertAlmostEqual(same.similarity, 1)
        self.assertEqual((same.match, same.verdict), (True, "match"))
        expected = whyface.similarity(*model.embed([a, b]))
        self.assertEqual(other.similarity, expected)
        self.assertEqual((other.match, other.verdict), (False, "no match"))
        self.assertIn("threshold 0.500: no match", repr(other))
        without = whyface.verify(model, a, b, threshold=math.nan)
        self.assertEqual((without.match, without.verdict), (None, ""))
        self.assertIn("no threshold known", repr(without))
        self.assert_fails(
            ValueError,
            "has 64 x 64 pixels; an aligned crop for model 'function' has "
            "32 x 32: give a detector",
            whyface.verify,
            model,
            picture(1, 64),
            a,
        )

    def test_rates(self):
        rng = np.random.default_rng(0)
        mated = np.tile([True, False], 300)
        scores = np.where(mated, 0.6, 0.1) + rng.normal(0, 0.2, 600)
        rates = whyface.rates(scores, mated, source="this test")
        self.assertEqual((rates.mated, rates.nonmated), (300, 300))
        by_name = {t.name: t for t in rates.thresholds}
        eer = by_name["eer"]
        self.assertAlmostEqual((scores[~mated] >= eer.value).mean(), eer.fmr)
        self.assertAlmostEqual((scores[mated] < eer.value).mean(), eer.fnmr)
        self.assertEqual(eer.source, "this test")
        self.assertTrue(0.8 < rates.accuracy < 1)
        self.assert_fails(
            ValueError, "expected N of each", whyface.rates, scores, mated[:5]
        )
        self.assert_fails(ValueError, "", whyface.rates, [0.5], [True])
        model = cell_model(threshold=eer)
        self.assertEqual(model.threshold(), eer)

    def test_bootstrap(self):
        values = np.append(np.arange(100.0), np.nan)
        interval = whyface.bootstrap_mean(values, seed=3)
        self.assertEqual((interval.mean, interval.n), (49.5, 100))
        self.assertTrue(42 < interval.low < 46 and 53 < interval.high < 57)
        self.assert_fails(
            ValueError, "resamples", whyface.bootstrap_mean, values, resamples=0
        )
        self.assert_fails(ValueError, "", whyface.bootstrap_mean, values, 1.0)


main()
