#!/usr/bin/python3
"""usage: explain_triplet.py MODEL PROBE MATE NONMATE FIGURE

Explains three aligned crops and draws the figure: whyface in one page.
"""
import sys

import whyface


def main(model, probe, mate, nonmate, figure):
    e = whyface.explain(whyface.load_model(model), probe, mate, nonmate)
    e.save_figure(figure)
    print(
        f"mate {e.similarity():.3f}, non-mate {e.similarity('nonmate'):.3f}: "
        f"{figure}"
    )


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except whyface.Error as error:
        sys.exit(f"{sys.argv[0]}: {error}")
