"""Progress, interrupts, threads, forks."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import whyface
from testing import TestCase, cell_model, cells, half_alike, main, picture

LONG = {"method": "s-rise", "masks": 1000000}  # minutes


class Progress(TestCase):
    def setUp(self):
        self.a, self.b = half_alike()
        self.model = cell_model()

    def test_reports(self):
        seen = []
        whyface.explain(
            self.model,
            self.a,
            self.b,
            method="s-rise",
            masks=64,
            progress=lambda *report: seen.append(report),
        )
        stages = [stage for stage, _, _ in seen]
        self.assertEqual(
            list(dict.fromkeys(stages)), ["masks: probe", "masks: mate"]
        )
        for stage, done, total in seen:
            self.assertTrue(0 <= done <= total == 64, (stage, done, total))
        self.assertEqual(seen[-1][1], 64)

    def test_exception_cancels(self):
        class Enough(Exception):
            pass

        calls = []

        def progress(stage, done, total):
            calls.append(done)
            if len(calls) == 3:
                raise Enough("three")

        e = self.assert_fails(
            Enough,
            "three",
            whyface.explain,
            self.model,
            self.a,
            self.b,
            progress=progress,
            **LONG,
        )
        self.assertIs(type(e), Enough)
        self.assertEqual(len(calls), 3)
        whyface.explain(
            self.model, self.a, self.b, method="occlusion"
        )  # goes on

    def test_return_value_is_ignored(self):
        whyface.explain(
            self.model,
            self.a,
            self.b,
            method="occlusion",
            progress=lambda *report: True,
        )

    def test_of_evaluate(self):
        def stop(*report):
            raise StopIteration

        with self.assertRaises(StopIteration):
            whyface.evaluate(
                self.model, self.a, self.b, np.eye(32), progress=stop
            )


class Interrupts(TestCase):
    def setUp(self):
        self.a, self.b = half_alike()
        self.unraisable = []
        old = sys.unraisablehook
        sys.unraisablehook = self.unraisable.append
        self.addCleanup(setattr, sys, "unraisablehook", old)

    def tearDown(self):
        self.assertEqual(self.unraisable, [])

    def test_timer(self):
        """A handler's exception arrives, wherever the library is just then."""

        class Alarm(Exception):
            pass

        def ring(number, frame):
            raise Alarm

        self.addCleanup(
            signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, ring)
        )
        model = cell_model()
        for delay in (0.003, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05):
            with self.assertRaises(Alarm):
                signal.setitimer(signal.ITIMER_REAL, delay)
                whyface.explain(model, self.a, self.b, **LONG)
            self.assertIs(signal.getsignal(signal.SIGALRM), ring)

    def test_inside_a_function(self):
        """Ctrl-C while the model's function runs stops it there."""
        after = []

        def fn(batch):
            if calls.append(1) or len(calls) == 3:
                signal.raise_signal(signal.SIGINT)
                after.append(1)
            return cells(batch)

        calls = []
        with self.assertRaises(KeyboardInterrupt):
            whyface.explain(cell_model(fn), self.a, self.b, **LONG)
        self.assertEqual((len(calls), after), (3, []))

    def test_exception_inside_a_function(self):
        """A handler's exception is not taken for the function's own; one that
        the function deals with is its own affair."""

        class Alarm(Exception):
            pass

        def ring(number, frame):
            raise Alarm

        self.addCleanup(
            signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, ring)
        )
        calls = []

        def fn(batch):
            calls.append(1)
            if len(calls) == 3:
                signal.raise_signal(signal.SIGALRM)
            return cells(batch)

        with self.assertRaises(Alarm):
            whyface.explain(cell_model(fn), self.a, self.b, **LONG)
        self.assertEqual(len(calls), 3)

        def copes(batch):
            try:
                signal.raise_signal(signal.SIGALRM)
            except Alarm:
                pass
            return cells(batch)

        whyface.explain(
            cell_model(copes), self.a, self.b, method="s-rise", masks=64
        )

    def test_handlers_that_do_not_raise(self):
        """They run, and the work goes on."""
        rung = []
        self.addCleanup(
            signal.signal,
            signal.SIGUSR1,
            signal.signal(signal.SIGUSR1, lambda *a: rung.append(1)),
        )
        whyface.explain(
            cell_model(),
            self.a,
            self.b,
            method="s-rise",
            masks=64,
            progress=lambda *r: os.kill(os.getpid(), signal.SIGUSR1),
        )
        self.assertTrue(rung)

    def test_control_c(self):
        """A program that is interrupted says so, and nothing else."""
        code = """
            import numpy as np, whyface
            def fn(batch):
                print(len(batch), flush=True)
                return batch[:, :, ::8, ::8].reshape(len(batch), -1)
            model = whyface.Model.from_function(fn, width=32, height=32)
            a = np.random.default_rng(1).integers(0, 255, (32, 32, 3), np.uint8)
            whyface.explain(model, a, a[::-1], method="s-rise", masks=1000000)
        """
        program = subprocess.Popen(
            [sys.executable, "-B", "-c", textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(5):
            program.stdout.readline()
        program.send_signal(signal.SIGINT)
        _, err = program.communicate()
        self.assertEqual(program.returncode, -signal.SIGINT)
        self.assertTrue(err.rstrip().endswith("KeyboardInterrupt"), err)
        self.assertNotIn("ignored", err)


class Threads(TestCase):
    def setUp(self):
        self.a, self.b = half_alike()

    def run_together(self, *jobs):
        """Runs functions on a thread each; what they returned or raised."""
        results = [None] * len(jobs)

        def work(i):
            try:
                results[i] = jobs[i]()
            except BaseException as error:
                results[i] = error

        threads = [
            threading.Thread(target=work, args=(i,)) for i in range(len(jobs))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_shared_model(self):
        """The same maps as one after the other, and one call at a time."""
        busy, overlaps = threading.Lock(), []

        def fn(batch):
            if not busy.acquire(blocking=False):
                overlaps.append(1)
                return cells(batch)
            try:
                return cells(batch)
            finally:
                busy.release()

        model = cell_model(fn)

        def job(seed):
            return lambda: whyface.explain(
                model, self.a, self.b, method="s-rise", masks=100, seed=seed
            ).map()

        alone = [job(seed)() for seed in range(4)]
        together = self.run_together(*(job(seed) for seed in range(4)))
        for first, second in zip(alone, together):
            np.testing.assert_array_equal(first, second)
        self.assertEqual(overlaps, [])

    def test_each_gets_its_own_error(self):
        def fails(name):
            def fn(batch):
                if len(batch) > 2:
                    raise KeyError(name)
                return cells(batch)

            return lambda: whyface.explain(cell_model(fn), self.a, self.b)

        results = self.run_together(*(fails(f"thread {i}") for i in range(4)))
        self.assertEqual(
            [str(e.__cause__) for e in results],
            [f"'thread {i}'" for i in range(4)],
        )

    def test_number_of_threads(self):
        maps = [
            whyface.explain(cell_model(), self.a, self.b, threads=n).map()
            for n in (1, 2, 3)
        ]
        np.testing.assert_array_equal(maps[0], maps[1])
        np.testing.assert_array_equal(maps[0], maps[2])

    def test_close_while_in_use(self):
        """The model lives until the call is over."""
        model = cell_model()
        finalizer = model._handle._finalize
        alive = []

        def progress(*report):
            model.close()
            alive.append(finalizer.alive)

        e = whyface.explain(
            model, self.a, self.b, method="occlusion", progress=progress
        )
        self.assertTrue(alive and all(alive))
        self.assertFalse(finalizer.alive)
        self.assertTrue(np.isfinite(e.map()).all())

    def test_model_in_its_own_function(self):
        """Would wait for itself; another model may be used."""
        inner = cell_model()

        def asks_itself(batch):
            if len(batch) > 2:
                model.embed(picture(1))
            return cells(batch)

        model = cell_model(asks_itself, name="outer")
        self.assert_fails(
            whyface.BackendError,
            "model 'outer' is in use",
            whyface.explain,
            model,
            self.a,
            self.b,
        )

        def asks_another(batch):
            inner.embed(picture(1))
            return cells(batch)

        e = whyface.explain(
            cell_model(asks_another), self.a, self.b, method="occlusion"
        )
        plain = whyface.explain(inner, self.a, self.b, method="occlusion")
        np.testing.assert_array_equal(e.map(), plain.map())

    def test_failure_of_an_inner_call(self):
        """It is the inner call's, and the outer one's only if it is let go
        on."""

        def breaks(batch):
            if len(batch) == 1:
                raise ValueError("inner")
            return cells(batch)

        inner = cell_model(breaks)

        def catches(batch):
            try:
                inner.embed(picture(1))
            except whyface.BackendError:
                pass
            return cells(batch)

        whyface.explain(cell_model(catches), self.a, self.b, method="occlusion")

    def test_fork(self):
        """A forked child cannot compute; it is told so instead of hanging."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = cell_model()
            model.embed(picture(1))
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    model.embed(picture(1))
                    os.write(write, b"computed")
                except whyface.Error as error:
                    os.write(write, str(error).encode())
                finally:
                    os._exit(0)
        os.waitpid(child, 0)
        message = os.read(read, 1000).decode()
        os.close(read)
        os.close(write)
        self.assertIn("forked", message)
        self.assertIn("'spawn'", message)


main()
