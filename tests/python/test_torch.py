"""PyTorch modules as models."""

import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import whyface
from testing import SOURCE, TestCase, main, picture, skip_all

try:
    import torch
except ImportError:
    skip_all("python3-torch is not installed")

SIDE = 32


def network(seed=1):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, stride=3),
        torch.nn.BatchNorm2d(8),
        torch.nn.PReLU(),
        torch.nn.Dropout(0.5),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 10 * 10, 24),
    )


class Torch(TestCase):
    def setUp(self):
        self.net = network()
        self.model = whyface.Model.from_torch(self.net, width=SIDE, height=SIDE)
        self.a, self.b = picture(1), picture(2)

    def expected(self, *pictures):
        x = np.stack(pictures).transpose(0, 3, 1, 2).astype("f4")
        with torch.no_grad():
            self.net.eval()
            return self.net(torch.from_numpy((x - 127.5) / 127.5)).numpy()

    def test_embed(self):
        self.assertEqual(
            (self.model.info.dim, self.model.info.name), (24, "Sequential")
        )
        np.testing.assert_allclose(
            self.model.embed([self.a, self.b]),
            self.expected(self.a, self.b),
            atol=1e-5,
        )

    def test_evaluation_mode(self):
        """Dropout is off, also if the module was trained on meanwhile; no
        gradient is kept."""
        self.net.train()
        np.testing.assert_allclose(
            self.model.embed(self.a), self.expected(self.a)[0], atol=1e-5
        )
        self.assertFalse(self.net.training)
        self.assertTrue(all(p.grad is None for p in self.net.parameters()))
        self.assertTrue(all(p.requires_grad for p in self.net.parameters()))

    def test_explain(self):
        e = whyface.explain(
            self.model, self.a, self.b, method="s-rise", masks=50
        )
        again = whyface.explain(
            self.model, self.a, self.b, method="s-rise", masks=50
        )
        np.testing.assert_array_equal(e.map(), again.map())
        a, b = self.expected(self.a, self.b)
        self.assertAlmostEqual(e.similarity(), whyface.similarity(a, b), 5)

    def test_types(self):
        """Batches come in the weights' type, embeddings go back in float32."""
        net = network().double()
        model = whyface.Model.from_torch(net, width=SIDE, height=SIDE)
        np.testing.assert_allclose(
            model.embed(self.a), self.model.embed(self.a), atol=1e-5
        )
        moved = whyface.Model.from_torch(
            network(), device="cpu", width=SIDE, height=SIDE
        )
        np.testing.assert_array_equal(
            moved.embed(self.a), self.model.embed(self.a)
        )

    def test_function_of_tensors(self):
        model = whyface.Model.from_torch(
            lambda x: torch.nn.functional.normalize(self.net.eval()(x)),
            width=SIDE,
            height=SIDE,
            name="normalised",
        )
        self.assertAlmostEqual(np.linalg.norm(model.embed(self.a)), 1, 5)
        gradient = whyface.Model.from_torch(
            lambda x: torch.ones(len(x), 3, requires_grad=True) * x.sum(),
            width=SIDE,
            height=SIDE,
        )
        self.assertEqual(gradient.embed(self.a).shape, (3,))

    def test_wrong_modules(self):
        def make(fn, **settings):
            return whyface.Model.from_torch(
                fn, width=SIDE, height=SIDE, **settings
            )

        e = self.assert_fails(
            whyface.BackendError,
            "returned a tuple, not a tensor",
            make,
            lambda x: (self.net.eval()(x), 1),
        )
        self.assertIsInstance(e.__cause__, TypeError)
        e = self.assert_fails(
            whyface.BackendError,
            "raised RuntimeError",
            make,
            torch.nn.Linear(7, 7),
        )
        self.assertIsInstance(e.__cause__, RuntimeError)
        self.assert_fails(
            whyface.BackendError, "shape (2, 8, 10, 10)", make, self.net[0]
        )
        self.assert_fails(Exception, "", make, network(), device="nosuch")

    def test_example(self):
        with tempfile.TemporaryDirectory() as folder:
            figure = os.path.join(folder, "figure.png")
            output = subprocess.run(
                [
                    sys.executable,
                    "-B",
                    SOURCE / "examples" / "torch_model.py",
                    figure,
                ],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            self.assertGreater(whyface.load_image(figure).width, 300)
        own, random = re.search(
            r"Insertion: (\S+), of a random map (\S+)", output
        ).groups()
        self.assertGreater(float(own), float(random))


main()
