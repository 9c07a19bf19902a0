"""An ONNX model and photos, from WHYFACE_SHARED: the package gives what the
command gives, to the last bit."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import whyface
from testing import COMMAND, SHARED, TestCase, main, need

MODEL = need(SHARED / "models" / "mobilefacenet_arcface_128.onnx")
DETECTOR = [need(SHARED / "models" / f"mtcnn_{net}net.onnx") for net in "pro"]
PROBE, MATE, NONMATE = (
    need(SHARED / "data" / "photos" / f"img{n}.jpg") for n in (20, 21, 16)
)
MIN_FACE = 80  # pixels; finds the faces here in little time
OF_DETECTOR = ["-d", ",".join(map(str, DETECTOR)), "--min-face", str(MIN_FACE)]
THREADS = 2


class Native(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = whyface.load_model(MODEL)
        cls.detector = whyface.Detector(DETECTOR, min_face=MIN_FACE)
        cls.crops = [
            whyface.crop(photo, cls.model, cls.detector).image
            for photo in (PROBE, MATE, NONMATE)
        ]

    def command(self, *arguments):
        """Runs whyface explain; its result and its maps."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [
                    COMMAND,
                    "explain",
                    "-m",
                    MODEL,
                    "-q",
                    "-o",
                    folder,
                    "-t",
                    str(THREADS),
                    *map(str, arguments),
                ],
                check=True,
            )
            maps = {f.stem: np.load(f) for f in Path(folder).glob("*.npy")}
            result = json.loads((Path(folder) / "result.json").read_text())
        return result, maps

    def same(self, e, maps):
        own = {
            f"{kind}-{pair}-{'probe' if side == 'probe' else pair}": values
            for pair in list(e.crops)[1:]
            for side in ("probe", "other")
            for kind, values in (
                ("map", e.map(pair, side)),
                ("error", e.error(pair, side)),
            )
            if values is not None
        }
        if e.difference is not None:
            own["map-difference"] = e.difference
        self.assertEqual(set(own), set(maps))
        for name, values in own.items():
            self.assertEqual(values.tobytes(), maps[name].tobytes(), name)

    def test_photos(self):
        result, maps = self.command(
            *OF_DETECTOR, "--masks", 40, PROBE, MATE, NONMATE
        )
        e = whyface.explain(
            self.model,
            str(PROBE),
            MATE,
            NONMATE.read_bytes(),
            detector=self.detector,
            threads=THREADS,
            masks=40,
        )
        self.same(e, maps)
        # JSON has nine digits.
        for pair in ("mate", "nonmate"):
            self.assertAlmostEqual(
                e.similarity(pair), result["pairs"][pair]["similarity"], 8
            )
        self.assertEqual(e.threshold.value, result["threshold"]["value"])
        self.assertEqual(e.forwards, result["forwards"])
        self.assertEqual(self.model.info.sha256, result["model"]["sha256"])
        face = e.crops["probe"].face
        np.testing.assert_allclose(
            face.landmarks, result["photos"]["probe"]["landmarks"], rtol=1e-6
        )
        self.assertTrue(
            e.similarity() > e.threshold.value > e.similarity("nonmate")
        )

    def test_crops_and_options(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{i}.png" for i in range(3)]
            for crop, path in zip(self.crops, paths):
                crop.save(path)
            for arguments, options in (
                (
                    [
                        "--method",
                        "s-rise",
                        "--preset",
                        "paper",
                        "--masks",
                        "32",
                        "--seed",
                        "9",
                    ],
                    {
                        "method": "s-rise",
                        "preset": "paper",
                        "masks": 32,
                        "seed": 9,
                    },
                ),
                (["--method", "grad-cam"], {"method": "grad-cam"}),
            ):
                _, maps = self.command("--aligned", *arguments, *paths)
                e = whyface.explain(
                    self.model, *paths, threads=THREADS, **options
                )
                self.same(e, maps)
                f = whyface.explain(
                    self.model,
                    *(c.pixels for c in self.crops),
                    threads=THREADS,
                    **options,
                )
                self.same(f, maps)

    def test_verify(self):
        run = subprocess.run(
            [
                COMMAND,
                "verify",
                "-m",
                MODEL,
                *OF_DETECTOR,
                "--json",
                "-q",
                PROBE,
                MATE,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        result = json.loads(run.stdout)
        v = whyface.verify(self.model, PROBE, MATE, detector=self.detector)
        self.assertAlmostEqual(v.similarity, result["similarity"], 8)
        self.assertEqual(
            (v.verdict, v.threshold.value),
            (result["verdict"], result["threshold"]),
        )
        self.assertIn("LFW", v.threshold.source)

    def test_function_of_the_same_model(self):
        """A function that asks the native model: what it gets are the crops
        that the native model sees, so the maps are alike."""
        i = self.model.info
        inner = whyface.load_model(MODEL)

        def fn(batch):
            pixels = (batch.transpose(0, 2, 3, 1) / i.scale + i.mean).round()
            return inner.embed(pixels.clip(0, 255).astype(np.uint8))

        model = whyface.Model.from_function(
            fn, mean=i.mean, scale=i.scale, points=i.points
        )
        e = whyface.explain(model, *self.crops[:2], method="s-rise", masks=24)
        n = whyface.explain(
            self.model, *self.crops[:2], method="s-rise", masks=24
        )
        self.assertAlmostEqual(e.similarity(), n.similarity(), 5)
        self.assertGreater(whyface.compare_maps(e.map(), n.map()).pearson, 0.99)

    def test_faces(self):
        faces = self.detector.detect(PROBE)
        self.assertEqual(self.detector.kind, "mtcnn")
        index = whyface.choose_face(faces, PROBE)
        face = faces[index]
        self.assertTrue(
            0.5 < face.score <= 1 and face.landmarks.shape == (5, 2)
        )
        aligned = whyface.align(PROBE, face, self.model)
        np.testing.assert_array_equal(aligned.pixels, self.crops[0].pixels)
        photo = whyface.load_image(PROBE)
        drawn = whyface.draw_faces(PROBE, faces)
        self.assertEqual(
            (drawn.width, drawn.height), (photo.width, photo.height)
        )
        fails = self.assert_fails
        fails(
            whyface.AmbiguousFaceError,
            PROBE.name,
            whyface.choose_face,
            [face, face],
            PROBE,
        )
        self.assertEqual(whyface.choose_face([face, face], PROBE, 2), 1)
        fails(ValueError, "3", whyface.choose_face, [face, face], PROBE, 3)
        fails(LookupError, "", whyface.choose_face, [], PROBE)
        grey = np.full((200, 200, 3), 128, np.uint8)
        self.assertEqual(self.detector.detect(grey), [])
        fails(
            whyface.NoFaceError,
            "no face",
            whyface.explain,
            self.model,
            PROBE,
            grey,
            detector=self.detector,
        )

    def test_closed_detector(self):
        with whyface.Detector(DETECTOR) as detector:
            pass
        self.assert_fails(
            ValueError, "detector has been closed", detector.detect, PROBE
        )

    def test_layers(self):
        layers = self.model.layers()
        again = self.model.randomised(len(layers) - 1, len(layers), seed=3)
        a, b = self.model.embed(self.crops[0]), again.embed(self.crops[0])
        self.assertLess(whyface.similarity(a, b), 0.5)


main()
