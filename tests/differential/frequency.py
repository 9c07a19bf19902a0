"""Frequency heat plots: Huber and Damer, WACV 2025: bands of the discrete
Fourier transform are taken out of one image; a band's influence is the
similarity that is lost, drawn in the plane of the transform."""
from reference import Dump, compare, finish, np


def radii(side):
    """In the plane with the mean in the middle."""
    at = np.arange(side) - side // 2
    return np.hypot(at[:, None], at)


def without_bands(image, bands):
    """n x 3 x side x side; black is 0 to the transform."""
    plane = np.fft.fftshift(np.fft.fft2(image + 1), axes=(1, 2))
    copies = [np.fft.ifft2(np.fft.ifftshift(plane * (bands != b), axes=(1, 2)))
              for b in range(bands.max() + 1)]
    return np.real(copies) - 1


for side, width, form in (48, 1, "directed"), (33, 2.5, "directed"), \
        (48, 4, "absolute"):
    run = Dump("frequency", f"width={width}", f"form={form}", side=side)
    bands = np.int64(radii(side) // width)
    for role, image in zip(run.roles, run.images):
        compare(f"{side}, {width}: copies of {role}", run.copies(role),
                without_bands(image, bands), 1e-4)
    for got, role, reference in run.maps():
        loss = run.unchanged(role, reference) - run.scores(role, reference)
        want = (np.abs(loss) if form == "absolute" else loss)[bands]
        compare(f"{side}, {width}: {role}, reference {reference}", got, want,
                1e-4)
finish()
