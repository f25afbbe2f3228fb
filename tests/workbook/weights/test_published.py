"""Published tensors fill a module, whole or not at all; others are refused with lists."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from workbook.weights.published import (
    NotWeights,
    OtherWeights,
    Taken,
    fill,
    for_each_layer,
    read_published,
)

MAPPING = {
    "0.weight": Taken("c_attn.weight", transposed=True, part=1, parts=3),
    "0.bias": Taken("c_attn.bias", part=1, parts=3),
    "1.weight": "ln.weight",
    "1.bias": "ln.bias",
}


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4))


def published() -> dict[str, torch.Tensor]:
    return {
        "c_attn.weight": torch.randn(5, 12),
        "c_attn.bias": torch.randn(12),
        "ln.weight": torch.randn(4),
        "ln.bias": torch.randn(4),
    }


def test_every_tensor_comes_from_where_the_mapping_says():
    filled, tensors = module(), published()
    fill(filled, tensors, MAPPING)
    state = filled.state_dict()
    assert torch.equal(state["0.weight"], tensors["c_attn.weight"][:, 4:8].T)
    assert torch.equal(state["0.bias"], tensors["c_attn.bias"][4:8])
    assert torch.equal(state["1.weight"], tensors["ln.weight"])


def test_what_is_missing_left_over_or_of_another_shape_is_listed_and_nothing_loaded():
    tensors = published()
    del tensors["ln.bias"]
    tensors["h.0.more"] = torch.zeros(2)
    tensors["ln.weight"] = torch.zeros(7)
    filled = module()
    before = {name: value.clone() for name, value in filled.state_dict().items()}
    with pytest.raises(OtherWeights) as refused:
        fill(filled, tensors, MAPPING)
    assert refused.value.missing == ["ln.bias"]
    assert refused.value.left_over == ["h.0.more"]
    assert refused.value.misshapen == ["ln.weight (7,), for 1.weight (4,)"]
    message = str(refused.value)
    assert "missing (1):\n  ln.bias\n" in message
    assert "left over (1):\n  h.0.more\n" in message
    assert "of another shape (1):\n  ln.weight (7,), for 1.weight (4,)" in message
    assert all(torch.equal(value, before[name]) for name, value in filled.state_dict().items())


def test_what_cannot_be_cut_has_another_shape():
    tensors = published() | {"c_attn.bias": torch.zeros(13)}
    with pytest.raises(OtherWeights, match=r"c_attn\.bias \(13,\), for 0\.bias \(4,\)"):
        fill(module(), tensors, MAPPING)


def test_a_long_list_is_cut_in_the_message_only():
    tensors = published() | {f"other.{number}": torch.zeros(1) for number in range(20)}
    with pytest.raises(OtherWeights, match="and 12 more") as refused:
        fill(module(), tensors, MAPPING)
    assert len(refused.value.left_over) == 20


def test_names_that_are_known_to_be_of_no_use_are_passed_over():
    tensors = published() | {"h.7.attn.bias": torch.zeros(2)}
    fill(module(), tensors, MAPPING, unused=[r"h\.[0-9]+\.attn\.bias"])
    with pytest.raises(OtherWeights):
        fill(module(), tensors, MAPPING, unused=[r"h\.[0-9]+\.attn"])


def test_a_module_of_other_names_is_told_by_name():
    with pytest.raises(KeyError, match=r"1\.bias"):
        fill(module(), published(), {name: MAPPING[name] for name in list(MAPPING)[:3]})


def test_the_modules_precision_stays_and_gradients_are_not_lost():
    filled = module().double()
    fill(filled, published(), MAPPING)
    assert all(p.dtype == torch.float64 and p.requires_grad for p in filled.parameters())


def test_on_the_meta_device_names_and_shapes_are_compared():
    with torch.device("meta"):
        filled, tensors = module(), published()
    fill(filled, tensors, MAPPING)
    with pytest.raises(OtherWeights):
        fill(filled, tensors | {"ln.bias": torch.empty(5, device="meta")}, MAPPING)


def test_a_layers_mapping_is_written_out_for_each():
    written = for_each_layer({"l.{}.a": "h.{}.b", "l.{}.c": Taken("h.{}.d", part=1, parts=2)}, 2)
    assert written == {
        "l.0.a": "h.0.b",
        "l.0.c": Taken("h.0.d", part=1, parts=2),
        "l.1.a": "h.1.b",
        "l.1.c": Taken("h.1.d", part=1, parts=2),
    }


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin"])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_a_file_is_read_by_what_is_in_it(tmp_path, kind, name):
    tensors, path = published(), tmp_path / name
    if kind == "safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "zip")
    found = read_published(path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no weights at all",
        b"hello\n",
        b"\x80\x02.",
        b"\x80\x02(\x85.",
        b"\x10\0\0\0\0\0\0\0{broken",
        b"PK",
    ],
)
def test_another_file_is_no_weights(tmp_path, content):
    path = tmp_path / "w.bin"
    path.write_bytes(content)
    with pytest.raises(
        NotWeights, match=r"w\.bin is damaged, or no .*: delete it and fetch it again"
    ):
        read_published(path)


class Evil:
    def __reduce__(self):
        return (print, ("code from a file has run",))


def test_code_in_a_file_is_not_run(tmp_path, capsys):
    path = tmp_path / "w.bin"
    torch.save({"a": Evil()}, path)
    with pytest.raises(NotWeights):
        read_published(path)
    assert "has run" not in capsys.readouterr().out


def test_a_list_of_tensors_has_no_names(tmp_path):
    path = tmp_path / "w.bin"
    torch.save([torch.zeros(1)], path)
    with pytest.raises(NotWeights, match="holds a list"):
        read_published(path)


def test_a_missing_file_is_told_as_python_tells_it(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_published(tmp_path / "none.bin")
