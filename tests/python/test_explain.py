"""Explanations of function models: maps, figures, options, wrong input."""

import doctest
import gc
import importlib
import math
import os
import pkgutil
import struct
import tempfile
import unittest
import warnings
import zlib

import numpy as np
import whyface
from testing import SIDE, TestCase, cell_model, cells, half_alike, main, picture


def decode_png(data):
    """H x W x channels of an 8-bit PNG, by the format's definition."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert (
            zlib.crc32(kind + body)
            == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        )
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + size
    assert list(chunks)[-1] == b"IEND" and at == len(data)
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert depth == 8
    channels = {0: 1, 2: 3, 6: 4}[colour]
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == height * (1 + width * channels)
    return width, height, channels


class Explaining(TestCase):
    def setUp(self):
        self.model = cell_model(threshold=0.5)
        self.a, self.b = half_alike()

    def test_triplet(self):
        c = picture(9)
        e = whyface.explain(self.model, self.a, self.b, c)
        mate, other = e.map(), e.map("mate", "other")
        for values in (
            mate,
            other,
            e.map("nonmate"),
            e.map("nonmate", "other"),
        ):
            self.assertEqual(
                (values.shape, values.dtype), ((SIDE, SIDE), np.float32)
            )
            self.assertTrue(np.isfinite(values).all())
            self.assertFalse(values.flags.writeable)
        np.testing.assert_array_equal(other, e.map("mate", "mate"))
        np.testing.assert_array_equal(
            e.difference, mate - e.map("nonmate", "probe")
        )
        # The upper halves are the same picture: that is where it looks.
        self.assertGreater(mate[: SIDE // 2].mean(), mate[SIDE // 2 :].mean())
        a, b, c = self.model.embed([self.a, self.b, c])
        self.assertAlmostEqual(e.similarity(), whyface.similarity(a, b), 6)
        self.assertAlmostEqual(
            e.similarity("nonmate"), whyface.similarity(a, c), 6
        )
        every = [
            e.map(p, s) for p in ("mate", "nonmate") for s in ("probe", "other")
        ]
        self.assertEqual(e.range, (np.min(every), np.max(every)))
        self.assertEqual(e.forwards, 3 * 300 + 3)
        self.assertEqual((e.backwards, e.batch, e.domain), (0, 16, "spatial"))
        self.assertTrue((e.error() > 0).all())
        self.assertTrue(math.isfinite(e.support()))
        self.assertTrue(0 <= e.seconds_model <= e.seconds)
        self.assertEqual(list(e.crops), ["probe", "mate", "nonmate"])
        np.testing.assert_array_equal(e.crops["mate"].image.pixels, self.b)
        self.assertIn(
            "level-sets of model 'function': similarity mate", repr(e)
        )

    def test_pair(self):
        e = whyface.explain(
            self.model, self.a, self.b, method="s-rise", masks=50
        )
        self.assertIsNone(e.difference)
        self.assertIsNone(e.error())
        self.assertTrue(math.isnan(e.support()))
        for call in (e.map, e.error, e.support, e.similarity, e.overlay):
            self.assert_fails(ValueError, "has no non-mate", call, "nonmate")
            self.assert_fails(
                ValueError, "'mate' or 'nonmate', got 'probe'", call, "probe"
            )
        self.assert_fails(
            ValueError, "'probe' or 'other', got 'left'", e.map, "mate", "left"
        )

    def test_against_numpy(self):
        """The sum of masks weighted by similarities, by hand."""
        seen = []

        def fn(batch):
            seen.append(batch.copy())
            return cells(batch)

        model = cell_model(fn)
        del seen[:]
        e = whyface.explain(
            model,
            self.a,
            self.b,
            method="s-rise",
            masks=40,
            estimator="sum",
            fill="black",
        )
        images = np.concatenate(seen)
        self.assertEqual(len(images), e.forwards)
        black, whole = -1.0, images[0].astype("f8")
        channel = np.abs(whole - black).argmax(0)[None]
        take = lambda x: np.take_along_axis(x, channel, 0)[0]
        copies = images[2 : 2 + 40].astype("f8")
        masks = [take(c - black) / take(whole - black) for c in copies]
        embedded = cells(images).astype("f8")
        embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
        scores = embedded[2 : 2 + 40] @ embedded[1]
        expected = np.tensordot(scores, masks, 1)
        got = e.map().astype("f8")
        correlation = np.corrcoef(expected.ravel(), got.ravel())[0, 1]
        self.assertGreater(correlation, 0.99999)

    def test_options(self):
        kwargs = {"method": "s-rise", "masks": np.int64(30), "seed": 7.0}
        e = whyface.explain(self.model, self.a, self.b, **kwargs)
        self.assertEqual((e.options["masks"], e.options["seed"]), ("30", "7"))
        again = whyface.explain(self.model, self.a, self.b, **kwargs)
        np.testing.assert_array_equal(e.map(), again.map())
        other = whyface.explain(
            self.model, self.a, self.b, **{**kwargs, "seed": 8}
        )
        self.assertFalse(np.array_equal(e.map(), other.map()))
        paper = whyface.explain(
            self.model,
            self.a,
            self.b,
            method="s-rise",
            preset="paper",
            masks=20,
        )
        self.assertEqual(paper.options["masks"], "20")
        explain = whyface.explain
        for keywords, text in (
            (
                {"method": "magic"},
                "there is no method 'magic'; there is: level-sets",
            ),
            ({"mask": 3}, "has no option 'mask'"),
            ({"masks": 0}, "option 'masks': expected an integer from 4"),
            ({"masks": "many"}, "expected an integer"),
            ({"masks": True}, "takes a number or a text, got True"),
            ({"masks": None}, "takes a number or a text, got None"),
            ({"fill": "pink"}, "expected mean|black|grey"),
            ({"preset": "best"}, "best"),
            ({"threads": -1}, "threads is an integer"),
            ({"threshold": "eer"}, "has no threshold 'eer'; it has given"),
            ({"face": ["left"]}, "1 face rules for 2 photos"),
        ):
            self.assert_fails(
                ValueError,
                text,
                explain,
                self.model,
                self.a,
                self.b,
                **keywords,
            )

    def test_methods(self):
        methods = whyface.methods()
        self.assertEqual(next(iter(methods)), "level-sets")
        self.assertGreater(len(methods), 30)
        s_rise = methods["s-rise"]
        self.assertIn("paper", [p.name for p in s_rise.presets])
        self.assertIn("masks", s_rise.defaults)
        self.assertEqual(s_rise.domain, "spatial")
        self.assertTrue(methods["lrp"].white_box and not s_rise.white_box)
        fill = next(o for o in s_rise.options if o.name == "fill")
        self.assertIn("black", fill.choices)
        for method in methods.values():
            self.assertIn(method.source, str(method))
            for option in method.options:
                self.assertIn(option.default, str(method))
        self.assertEqual(whyface.forwards("s-rise", masks=123), 123)

    def test_every_black_box_method(self):
        """Each runs on a function, within a small budget, and gives maps."""
        for name, method in whyface.methods().items():
            if method.white_box:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", whyface.SupportWarning)
                e = whyface.explain(
                    self.model,
                    self.a,
                    self.b,
                    picture(5),
                    method=name,
                    budget=40,
                )
            self.assertTrue(np.isfinite(e.map()).all(), name)
            self.assertLessEqual(e.forwards, 3 * 41, name)

    def test_frequency(self):
        e = whyface.explain(self.model, self.a, self.b, method="frequency")
        self.assertEqual(e.domain, "frequency")
        self.assert_fails(ValueError, "show frequencies", e.overlay)
        self.assert_fails(ValueError, "show frequencies", e.evaluate)
        decode_png(e._repr_png_())

    def test_failing_functions(self):
        """What a function does in mid-run reaches the caller of explain."""
        for result, error, text in (
            (lambda x: 1 / 0, ZeroDivisionError, "raised ZeroDivisionError"),
            (lambda x: cells(x)[:-1], None, "expected"),
            (lambda x: cells(x) * np.nan, None, "NaN or infinity"),
            (lambda x: cells(x).astype(str), None, "real numbers"),
        ):
            calls = []

            def fn(batch, late=result):
                calls.append(len(batch))
                return cells(batch) if len(calls) < 4 else late(batch)

            e = self.assert_fails(
                whyface.BackendError,
                text,
                whyface.explain,
                cell_model(fn),
                self.a,
                self.b,
            )
            self.assertEqual(type(e.__cause__), error or type(None))
            self.assertEqual(len(calls), 4)

    def test_wrong_photos(self):
        explain, model = whyface.explain, self.model
        self.assert_fails(
            ValueError,
            "has 64 x 64 pixels",
            explain,
            model,
            self.a,
            picture(1, 64),
        )
        self.assert_fails(
            FileNotFoundError, "'no.png'", explain, model, self.a, "no.png"
        )
        self.assert_fails(
            ValueError, "pixels are uint8", explain, model, self.a, self.b / 255
        )

    def test_support_warning(self):
        """A model that looks at the lower right corner only is no face
        model's."""

        def corner(batch):
            return cells(batch)[:, 63::64] * np.float32(1)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            e = whyface.explain(cell_model(corner), self.a, self.b)
        low = [s for s in ("probe", "other") if e.support("mate", s) <= -2.3]
        found = [w for w in caught if w.category is whyface.SupportWarning]
        self.assertEqual(len(found), len(low))
        self.assertTrue(low)
        self.assertEqual(found[0].filename, __file__)

    def test_views_outlive_the_explanation(self):
        e = whyface.explain(self.model, self.a, self.b, method="occlusion")
        values = e.map()
        copy = values.copy()
        del e
        gc.collect()
        np.testing.assert_array_equal(values, copy)


class Pictures(TestCase):
    def setUp(self):
        a, b = half_alike()
        self.e = whyface.explain(
            cell_model(threshold=0.5), a, b, picture(9), method="occlusion"
        )

    def test_notebook(self):
        width, height, _ = decode_png(self.e._repr_png_())
        self.assertTrue(width > 300 and height > 300)
        self.assertEqual(
            decode_png(self.e.overlay()._repr_png_()), (SIDE, SIDE, 3)
        )
        image = whyface.load_image(self.e._repr_png_())
        self.assertEqual((image.width, image.height), (width, height))

    def test_figures(self):
        with tempfile.TemporaryDirectory() as folder:
            for ending, magic in (
                (".png", b"\x89PNG"),
                (".svg", b"<?xml"),
                (".pdf", b"%PDF"),
            ):
                path = os.path.join(folder, "figure" + ending)
                self.e.save_figure(
                    path,
                    colormap=whyface.colormaps()[1],
                    opacity=0.5,
                    footer="my footer",
                )
                with open(path, "rb") as file:
                    self.assertEqual(file.read(len(magic)), magic)
            self.assert_fails(ValueError, ".gif", self.e.save_figure, "a.gif")
            self.assert_fails(
                OSError, "nowhere", self.e.save_figure, "/nowhere/a.png"
            )
            self.assert_fails(
                ValueError,
                "no colour map 'rainbow'; there is: uniform",
                self.e.save_figure,
                path,
                colormap="rainbow",
            )
            self.assert_fails(ValueError, "opacity", self.e.overlay, opacity=2)
            self.assertEqual(len(os.listdir(folder)), 3)

    def test_overlay(self):
        """Opacity 0 is the crop in grey; the range matters."""
        plain = self.e.overlay("nonmate", "other", opacity=0).pixels
        np.testing.assert_array_equal(plain, plain[:, :, :1].repeat(3, 2))
        crop = self.e.crops["nonmate"].image.pixels
        grey = crop @ np.array([0.299, 0.587, 0.114])
        self.assertGreater(
            np.corrcoef(plain[:, :, 0].ravel(), grey.ravel())[0, 1], 0.9
        )
        low, high = self.e.range
        drawn = self.e.overlay(opacity=1)
        np.testing.assert_array_equal(
            drawn.pixels, self.e.overlay(opacity=1, low=low, high=high).pixels
        )
        flat = self.e.overlay(opacity=1, low=high + 1, high=high + 2).pixels
        self.assertFalse(np.array_equal(flat, drawn.pixels))


def load_tests(loader, tests, pattern):
    """The examples of the docstrings as well."""
    names = {"np": np, "whyface": whyface}
    for module in pkgutil.iter_modules(whyface.__path__):
        tests.addTests(
            doctest.DocTestSuite(
                importlib.import_module(f"whyface.{module.name}"),
                globs=dict(names),
            )
        )
    return tests


main()
