"""Translators in four sizes: for a lesson's cell, two for a processor, one for a graphics card."""

from dataclasses import dataclass

from workbook.training import Budget


@dataclass(frozen=True)
class Preset:
    """A model's shape, how it is trained and for how long.

    tokens: real target tokens of the whole training. batch_tokens: positions of a batch, a side.
    peak: the largest learning rate, of everything but the matrices; theirs is twice as large.
    """

    name: str
    about: str
    vocab_size: int
    d_model: int
    num_heads: int
    num_layers: int
    d_ff: int
    dropout: float
    tokens: int
    batch_tokens: int
    peak: float

    @property
    def budget(self) -> Budget:
        """The tokens as a budget."""
        return Budget(tokens=self.tokens)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="tiny",
            about="half a minute on a CPU, for a lesson's cell",
            vocab_size=2_000,
            d_model=64,
            num_heads=4,
            num_layers=1,
            d_ff=256,
            dropout=0.0,
            tokens=1_000_000,
            batch_tokens=2_048,
            peak=1e-2,
        ),
        Preset(
            name="small",
            about="some twenty minutes on a CPU with two cores, less on more",
            vocab_size=4_000,
            d_model=128,
            num_heads=4,
            num_layers=3,
            d_ff=512,
            # On a budget of a few passes over the data, dropout costs more than it brings.
            dropout=0.0,
            tokens=7_000_000,
            # Twice the steps for the same tokens; on a processor they take an eighth longer, and a
            # short training learns more in the same time.
            batch_tokens=1_024,
            # 1e-2 is as good for a million tokens; for five it leaves half as many faults again.
            peak=5e-3,
        ),
        Preset(
            name="medium",
            about="more than twice as long as small on a CPU",
            vocab_size=4_000,
            d_model=192,
            num_heads=6,
            num_layers=3,
            d_ff=768,
            dropout=0.0,
            tokens=8_000_000,
            batch_tokens=1_024,
            peak=8e-3,
        ),
        Preset(
            name="base",
            about="one graphics card",
            vocab_size=8_000,
            d_model=256,
            num_heads=8,
            num_layers=4,
            d_ff=1_024,
            dropout=0.2,
            tokens=60_000_000,
            batch_tokens=8_192,
            peak=5e-3,
        ),
    )
}


_MEDIUM_FROM = 40  # minutes on two cores, in which its tokens are nearly read; small takes 20


def preset_for(minutes: float | None) -> Preset:
    """The size that makes most of so many minutes on a CPU; `small` where nothing is said."""
    return PRESETS["medium" if (minutes or 0) >= _MEDIUM_FROM else "small"]


def preset(name: str) -> Preset:
    """The preset of this name. Raises KeyError, naming those there are, for any other."""
    if name not in PRESETS:
        raise KeyError(f"no preset is called {name!r}; there is {', '.join(PRESETS)}")
    return PRESETS[name]
