"""Judging maps: against a plain loop, controls, comparisons."""

import math
import os
import tempfile

import numpy as np
import whyface
from testing import SIDE, TestCase, cell_model, cells, half_alike, main, picture


class Evaluating(TestCase):
    def setUp(self):
        self.model = cell_model(threshold=0.3)
        self.crop, self.other = half_alike()
        # All values differ, so that no tie is left to chance.
        self.map = (
            np.random.default_rng(3)
            .permutation(SIDE * SIDE)
            .reshape(SIDE, SIDE)
            / 7.0
        )

    def similarities(self, counts, insert):
        """With that many of the most salient pixels removed or added."""
        order = np.argsort(-self.map, axis=None)
        mean = self.crop.reshape(-1, 3).mean(0)
        out = []
        for count in counts:
            pixels = self.crop.reshape(-1, 3).astype("f8")
            changed = order[count:] if insert else order[:count]
            pixels[changed] = mean
            batch = np.stack([pixels.reshape(SIDE, SIDE, 3), self.other])
            a, b = cells((batch.transpose(0, 3, 1, 2) - 127.5) / 127.5)
            out.append(a @ b / np.sqrt((a @ a) * (b @ b)))
        return np.array(out)

    def test_against_a_plain_loop(self):
        e = whyface.evaluate(
            self.model, self.crop, self.other, self.map, exact=True, steps=8
        )
        counts = np.round(np.linspace(0, 1, 9) * SIDE * SIDE).astype(int)
        np.testing.assert_array_equal(e.shares, np.linspace(0, 1, 9))
        for curve, auc, insert in (
            (e.deletion_curve, e.deletion.auc, False),
            (e.insertion_curve, e.insertion.auc, True),
        ):
            expected = self.similarities(counts, insert)
            np.testing.assert_allclose(curve, expected, atol=1e-5)
            self.assertAlmostEqual(
                auc, np.mean((curve[1:] + curve[:-1]) / 2), 6
            )
        everything = np.arange(SIDE * SIDE + 1)
        for crossing, insert in (
            (e.deletion.crossing, False),
            (e.insertion.crossing, True),
        ):
            accepted = self.similarities(everything, insert) >= 0.3
            first = np.argmax(accepted if insert else ~accepted)
            self.assertEqual(crossing.state, "crossed")
            self.assertAlmostEqual(crossing.share, first / (SIDE * SIDE), 2)
        self.assertEqual((e.accepted, e.threshold, e.fill), (True, 0.3, "mean"))
        self.assertAlmostEqual(e.similarity, e.deletion_curve[0], 6)
        self.assertAlmostEqual(e.empty, e.deletion_curve[-1], 6)
        self.assertFalse(e.constant)
        self.assertGreater(e.forwards, SIDE)

    def test_threshold(self):
        no = whyface.evaluate(
            self.model, self.crop, self.other, self.map, threshold=math.nan
        )
        self.assertEqual(no.deletion.crossing.state, "not asked")
        self.assertTrue(math.isnan(no.deletion.crossing.share))
        never = whyface.evaluate(
            self.model, self.crop, self.other, self.map, threshold=-1
        )
        self.assertEqual(never.deletion.crossing.state, "never")
        one = whyface.evaluate(
            self.model, self.crop, self.other, self.map, both_orders=False
        )
        self.assertEqual(one.deletion_least_first.crossing.state, "not asked")

    def test_fills(self):
        self.assertEqual(whyface.fills()[0], "mean")
        curves = {
            fill: whyface.evaluate(
                self.model, self.crop, self.other, self.map, fill=fill
            ).deletion_curve[-1]
            for fill in whyface.fills()
        }
        self.assertGreater(len(set(curves.values())), 2)

    def test_of_an_explanation(self):
        e = whyface.explain(self.model, self.crop, self.other, picture(9))
        own = e.evaluate("mate", "other", steps=10)
        direct = whyface.evaluate(
            self.model, self.other, self.crop, e.map("mate", "other"), steps=10
        )
        np.testing.assert_array_equal(own.deletion_curve, direct.deletion_curve)
        self.assertEqual(own.deletion, direct.deletion)
        controls = whyface.evaluate_controls(self.model, self.crop, self.other)
        self.assertEqual(list(controls), ["random", "centred"])
        # Its upper half is what the two have in common: any map knows more.
        self.assertGreater(
            e.evaluate().insertion.auc, controls["random"].insertion.auc
        )

    def test_plot(self):
        e = whyface.evaluate(self.model, self.crop, self.other, self.map)
        self.assertGreater(whyface.load_image(e._repr_png_()).width, 300)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "plot.svg")
            whyface.save_plot({"mine": e, "again": e}, path, "title")
            with open(path) as file:
                self.assertIn("<svg", file.read())
            self.assert_fails(
                ValueError, "", whyface.save_plot, {"mine": e}, path + ".gif"
            )

    def test_errors(self):
        def fails(error, text, map=self.map, **settings):
            self.assert_fails(
                error,
                text,
                whyface.evaluate,
                self.model,
                self.crop,
                self.other,
                map,
                **settings
            )

        fails(whyface.ShapeError, "", np.zeros((8, 8)))
        fails(whyface.MapError, "", np.full((SIDE, SIDE), np.nan))
        fails(whyface.MapError, "shape (32,)", np.zeros(SIDE))
        fails(whyface.MapError, "no array of numbers", "heat")
        fails(ValueError, "'pink'", fill="pink")
        fails(ValueError, "steps is an integer from 2", steps=1)
        fails(ValueError, "seed is an integer", seed=-1)


class Maps(TestCase):
    def test_controls(self):
        random = whyface.random_map(20, 10, seed=4)
        self.assertEqual((random.shape, random.dtype), ((10, 20), np.float32))
        np.testing.assert_array_equal(
            random, whyface.random_map(20, 10, seed=4)
        )
        self.assertTrue(0 <= random.min() < 0.1 and 0.9 < random.max() < 1)
        centred = whyface.centred_map(11, 11)
        self.assertEqual(np.unravel_index(centred.argmax(), (11, 11)), (5, 5))
        even = whyface.standardise(random * 100 + 7)
        self.assertAlmostEqual(float(even.mean()), 0, 5)
        self.assertAlmostEqual(float(even.std()), 1, 5)
        self.assert_fails(
            ValueError, "width is an integer", whyface.random_map, 0
        )

    def test_compare(self):
        rng = np.random.default_rng(1)
        a, b = rng.normal(size=(2, 20, 30))
        like = whyface.compare_maps(a, a + 0.5 * b)
        self.assertAlmostEqual(
            like.pearson, np.corrcoef(a.ravel(), (a + 0.5 * b).ravel())[0, 1], 5
        )
        self.assertEqual(whyface.compare_maps(a, a).top, 1)
        self.assertAlmostEqual(whyface.compare_maps(a, -a).spearman, -1)
        self.assertTrue(math.isnan(whyface.compare_maps(a, a * 0).pearson))
        self.assert_fails(
            whyface.ShapeError, "", whyface.compare_maps, a, a[:5]
        )

    def test_region(self):
        values = np.zeros((10, 10))
        values[:5] = 3
        region = np.zeros((10, 10), bool)
        region[:2] = True
        share = whyface.region_share(values, region)
        self.assertAlmostEqual(share.area, 0.2)
        self.assertAlmostEqual(share.mass, 0.4)

    def test_files(self):
        values = np.random.default_rng(1).normal(size=(5, 7))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "map.npy")
            np.save(path, values)
            np.testing.assert_array_equal(
                whyface.load_map(path), values.astype("f4")
            )
            self.assert_fails(
                FileNotFoundError, "no.npy", whyface.load_map, "no.npy"
            )


main()
