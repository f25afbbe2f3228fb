"""The lessons in order, and the pieces each one asks for: the course's table of contents.

A piece's name is permanent once released: it is the name of its exercise, of its nbgrader cell and
of its file in the toolbox.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One notebook. `name` is its folder (`02-dot-product-attention`), `module` its Python name."""

    number: int
    name: str
    title: str
    pieces: tuple[str, ...]

    @property
    def module(self) -> str:
        return self.name[3:].replace("-", "_")


def _lesson(name: str, title: str, pieces: str) -> Lesson:
    return Lesson(number=int(name[:2]), name=name, title=title, pieces=tuple(pieces.split()))


LESSONS: tuple[Lesson, ...] = (
    _lesson(
        "01-rnn-recap",
        "Why anyone wanted something else",
        "rnn_step RNN BidirectionalRNN gradient_reach clip_gradients_ additive_attention "
        "path_length",
    ),
    _lesson(
        "02-dot-product-attention",
        "Look things up by similarity",
        "softmax attend project_qkv scaled_dot_product_attention SelfAttention",
    ),
    _lesson(
        "03-multi-head-attention",
        "Several look-ups at once",
        "split_heads merge_heads MultiHeadAttention attention_parameters",
    ),
    _lesson(
        "04-positional-encoding",
        "Order is lost, put it back",
        "sinusoidal_encoding PositionalEncoding shift_matrix LearnedPositions apply_rotary",
    ),
    _lesson(
        "05-encoder",
        "One block, stacked",
        "LayerNorm FeedForward residual padding_mask EncoderLayer Encoder Tagger",
    ),
    _lesson(
        "06-decoder",
        "Write one word at a time, looking at the source",
        "shift_right causal_mask DecoderLayer Decoder OutputHead future_leak",
    ),
    _lesson(
        "07-bert",
        "Read in both directions",
        "BertEmbeddings mask_tokens Bert masked_lm_loss SentenceClassifier",
    ),
    _lesson(
        "08-gpt",
        "Write what comes next",
        "GPT next_token_loss sample_next generate KVCache cached_attention gpt_parameters",
    ),
    _lesson(
        "09-translator",
        "The pieces assemble",
        "Transformer label_smoothing_loss warmup_rate train_step greedy_decode beam_search "
        "decode_step corpus_bleu",
    ),
    _lesson(
        "10-one-architecture",
        "The same pieces, four tasks, and a look inside",
        "log_mel noisy rise_saliency",
    ),
)

PIECES: tuple[str, ...] = tuple(piece for lesson in LESSONS for piece in lesson.pieces)

_LESSON_OF = {piece: lesson for lesson in LESSONS for piece in lesson.pieces}


def lesson(name: str | int) -> Lesson:
    """The lesson with this folder name or number (`"02-dot-product-attention"`, `"02"`, `2`).

    Raises KeyError, naming the lessons there are, for any other.
    """
    for candidate in LESSONS:
        if str(name) in (candidate.name, f"{candidate.number:02d}", str(candidate.number)):
            return candidate
    known = ", ".join(candidate.name for candidate in LESSONS)
    raise KeyError(f"no lesson is called {name!r}; the lessons are {known}")


def lesson_of(piece: str) -> Lesson:
    """The lesson that asks for this piece. Raises KeyError for a name that is no piece."""
    try:
        return _LESSON_OF[piece]
    except KeyError:
        raise KeyError(f"{piece!r} is not a piece of the course") from None
