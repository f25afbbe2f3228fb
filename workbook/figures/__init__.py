"""The pictures of the course: a function returns a `Picture`, or an `Explorer` where it is live.

Names are loaded when they are first used, so that importing this package is free and matplotlib
comes in with the first figure. A lesson with figures of its own has a room here under its name.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "picture": ("Picture", "stored"),
    "paper": ("Sheet", "sheet"),
    "widget": ("Explorer",),
    "matrices": ("attention_matrix", "attention_matrices"),
    "learning": ("learning_curves",),
    "curves": ("bleu_curves", "share_curves", "time_curves"),
    "heads": ("Reading", "head_explorer", "word_in_every_head"),
    "architecture.map": ("transformer_map",),
    "rnn_recap.reading": ("unrolled_network",),
    "rnn_recap.padding": ("padded_batch", "turned_round"),
    "rnn_recap.belief": ("belief_by_word",),
    "rnn_recap.reach": ("gradient_reach_curves", "gradient_reach_explorer"),
    "rnn_recap.bottleneck": ("two_translators",),
    "rnn_recap.paths": ("path_lengths",),
    "dot_product_attention.steps": ("softmax_steps",),
    "dot_product_attention.by_hand": ("soft_lookup", "self_attention_by_hand"),
    "dot_product_attention.matrix_product": ("all_words_at_once",),
    "dot_product_attention.scaling": (
        "dot_product_spread",
        "softmax_saturation",
        "scaling_explorer",
    ),
    "dot_product_attention.masks": ("mask_painter",),
    "dot_product_attention.cost": ("attention_cost",),
    "dot_product_attention.plane": ("similarity_plane",),
    "multi_head_attention.splitting": ("splitting_heads",),
    "multi_head_attention.columns": ("shared_columns",),
    "multi_head_attention.conventions": ("mask_conventions",),
    "multi_head_attention.measured": ("heads_against_chance",),
    "positional_encoding.reordering": ("reordered_outputs",),
    "positional_encoding.sinusoids": ("position_picture", "base_explorer"),
    "positional_encoding.similarity": ("similarity_by_distance",),
    "positional_encoding.hands": ("clock_hands", "shift_explorer"),
    "positional_encoding.rotary": ("rotary_explorer",),
    "positional_encoding.comparison": ("positions_compared",),
    "decoder.forcing": ("teacher_forcing",),
    "decoder.looks": ("three_kinds_of_attention",),
    "decoder.layer": ("decoder_layer",),
    "decoder.writing": ("Step", "writing_step", "writing_explorer"),
    "encoder.averages": ("averaged_over",),
    "encoder.activations": ("activation_curves",),
    "encoder.orders": ("norm_orders",),
    "encoder.gradients": ("gradient_by_depth", "gradient_layers_explorer"),
    "encoder.tags": ("Tagged", "tagged_sentences", "tagger_explorer"),
    "gpt.prediction": ("next_token_targets",),
    "gpt.learning": ("loss_curve",),
    "gpt.sampling": ("sampled_shares", "sampling_explorer"),
    "gpt.caching": ("cached_work", "writing_speed"),
    "gpt.parameters": ("parameter_shares",),
    "translator.training": ("smoothed_targets", "warmup_rates", "sentence_paths"),
    "translator.box": ("translation_box",),
    "bert.embeddings": ("embedding_sum",),
    "bert.masking": ("masked_sentence",),
    "bert.senses": ("word_in_a_plane",),
    "bert.blanks": ("blank_explorer", "filled_blank"),
    "bert.fine_tuning": ("few_labels",),
}

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(
            f"workbook.figures has no figure called {name!r}; it has {', '.join(sorted(_HOME_OF))}"
        )
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
