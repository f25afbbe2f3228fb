"""How every figure of the course looks: colours, sizes, and the settings matplotlib draws with.

Colours were chosen so that they differ in lightness as well as in hue: a figure says the same in
greyscale and to colour-blind readers. No figure relies on a hue alone; a line has a marker and a
dash of its own, a box has a tick, a hatch or a number.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib

PIXELS_PER_INCH = 96
"""What one inch of a figure measures on the page, in CSS pixels."""

SHARPNESS = 2
"""Image pixels per CSS pixel, so that a picture stays crisp on a dense screen."""

PAGE_WIDTH = 9.2
"""Inches: a little under 900 CSS pixels, which is a notebook's text column on a laptop."""

FONT = "DejaVu Sans"
"""Ships with matplotlib, so a figure is the same on every machine."""

TITLE_SIZE = 12.0
TEXT_SIZE = 9.5
SMALL_SIZE = 8.5
"""Points. Nothing is set smaller than `SMALL_SIZE`."""

INK = "#1b1b1b"
MUTED = "#5a5a5a"
LINE = "#b9b9b9"
PAPER = "#ffffff"
SHADE = "#f1f1f1"

QUERY, QUERY_TINT = "#c2410c", "#fbe3d6"
KEY, KEY_TINT = "#1f4e79", "#d9e5f2"
VALUE_TINT = "#e7f0d8"
"""The three roles of attention: red-brown, dark blue and light green; drawn with their names."""

SERIES = (
    {"color": "#1f4e79", "marker": "o", "linestyle": "-"},
    {"color": "#d9822b", "marker": "s", "linestyle": "--"},
    {"color": "#6f9e3f", "marker": "^", "linestyle": "-."},
    {"color": "#8a5a9e", "marker": "D", "linestyle": ":"},
)
"""One entry a curve: give it to `axes.plot` as keywords. Never hue alone: marker and dash too."""

ATTENTION_MAP = "cividis"
ATTENTION_LIMITS = (0.0, 1.0)
"""Every attention matrix of the course: the same colour means the same weight everywhere."""

TIMES = "\N{MULTIPLICATION SIGN}"
MINUS = "\N{MINUS SIGN}"
"""By name, because in source they look like an x and a hyphen."""

_SETTINGS = {
    "font.family": [FONT],
    "font.size": TEXT_SIZE,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e2e2e2",
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.labelsize": SMALL_SIZE,
    "legend.frameon": False,
    "legend.fontsize": SMALL_SIZE,
    "lines.linewidth": 2.0,
    "lines.markersize": 6.0,
    "hatch.linewidth": 0.8,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "savefig.bbox": None,
}


@contextmanager
def course_style() -> Iterator[None]:
    """Draw and save with the course's settings, whatever the reader's own `matplotlibrc` says.

    The reader's settings are back when the block ends.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def ink_on(background: tuple[float, float, float]) -> str:
    """White or ink, whichever stands out more from this colour (red, green, blue; each 0 to 1).

    Contrast is the Web Content Accessibility Guidelines' ratio of relative luminances.
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in background[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    against_white = 1.05 / (luminance + 0.05)
    against_ink = (luminance + 0.05) / (0.011 + 0.05)
    return PAPER if against_white > against_ink else INK
