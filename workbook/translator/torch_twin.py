"""PyTorch's own Transformer with the weights of ours, to be compared with it."""

import math

import torch
from torch import Tensor, nn


@torch.no_grad()
def torchs_twin(model: nn.Module, source: Tensor, target_in: Tensor) -> Tensor:
    """The logits (B, T, target_vocab) of `nn.Transformer`'s two stacks, filled with the weights of
    a `Transformer`, between that one's embeddings, positions and head.

    model: in eval mode, its layers named as the course names them; ReLU. The pre-norm or post-norm
    of its stacks is told by their last norm.
    """
    layer = model.encoder.layers[0]
    d_model = layer.norm1.weight.size(0)
    d_ff = layer.feed_forward.linear1.out_features
    heads = layer.self_attention(*(torch.zeros(1, 1, d_model).to(source.device),) * 3)[1].size(1)
    last = getattr(model.encoder, "norm", None)
    options = {"dim_feedforward": d_ff, "dropout": 0.0, "batch_first": True}
    options["norm_first"] = last is not None

    def end() -> nn.Module | None:
        return nn.LayerNorm(d_model) if last is not None else None

    count = len(model.encoder.layers)
    one = nn.TransformerEncoderLayer(d_model, heads, **options)
    encoder = nn.TransformerEncoder(one, count, end(), enable_nested_tensor=False)
    other = nn.TransformerDecoderLayer(d_model, heads, **options)
    decoder = nn.TransformerDecoder(other, count, end())
    twin = nn.Transformer(
        d_model, heads, custom_encoder=encoder, custom_decoder=decoder, batch_first=True
    )
    # It draws new weights for stacks that it is given, so they are filled now.
    for ours, theirs in ((model.encoder, encoder), (model.decoder, decoder)):
        for mine, its in zip(ours.layers, theirs.layers, strict=True):
            _copy_layer(mine, its)
        if last is not None:
            _copy(ours.norm, theirs.norm)
    twin = twin.to(source.device).eval()
    x, y = (
        model.positions(embedding(tokens) * math.sqrt(d_model))
        for embedding, tokens in (
            (model.source_embedding, source),
            (model.target_embedding, target_in),
        )
    )
    hidden = source == model.pad_id  # True hides, the other way round than here
    length = target_in.size(1)
    later = torch.ones(length, length, dtype=torch.bool, device=source.device).triu(1)
    states = twin(x, y, tgt_mask=later, src_key_padding_mask=hidden, memory_key_padding_mask=hidden)
    return model.head(states)


def _copy_layer(ours: nn.Module, theirs: nn.Module) -> None:
    pairs = [(ours.self_attention, theirs.self_attn)]
    if hasattr(theirs, "multihead_attn"):
        pairs.append((ours.cross_attention, theirs.multihead_attn))
        _copy(ours.norm3, theirs.norm3)
    for mine, its in pairs:
        three = (mine.q_proj, mine.k_proj, mine.v_proj)
        its.in_proj_weight.copy_(torch.cat([each.weight for each in three]))
        its.in_proj_bias.copy_(torch.cat([each.bias for each in three]))
        _copy(mine.out_proj, its.out_proj)
    for name in ("norm1", "norm2"):
        _copy(getattr(ours, name), getattr(theirs, name))
    _copy(ours.feed_forward.linear1, theirs.linear1)
    _copy(ours.feed_forward.linear2, theirs.linear2)


def _copy(ours: nn.Module, theirs: nn.Module) -> None:
    theirs.weight.copy_(ours.weight)
    theirs.bias.copy_(ours.bias)
