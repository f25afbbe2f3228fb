"""PyTorch's own Transformer with our weights says the same, unless it is another one."""

import pytest
import torch

from workbook.pieces import Transformer
from workbook.translator.torch_twin import torchs_twin

SOURCE = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]])
TARGET = torch.tensor([[1, 5, 6, 7], [1, 8, 9, 4]])


@pytest.mark.parametrize("norm_first", [True, False])
def test_the_twin_says_the_same(norm_first):
    torch.manual_seed(0)
    model = Transformer(11, 13, 12, 3, 2, 7, dropout=0.2, norm_first=norm_first).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.4)
        expected = model(SOURCE, TARGET)
    found = torchs_twin(model, SOURCE, TARGET)
    assert expected.std() > 0.3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_model_without_its_masks_is_found_out():
    class Leaky(Transformer):
        def decode(self, target_in, memory, memory_mask):
            x = self.positions(self.target_embedding(target_in) * self.scale)
            return self.head(self.decoder(x, memory))

    model = Leaky(11, 13, 12, 3, 1, 7, dropout=0.0).eval()
    with torch.no_grad():
        assert not torch.allclose(torchs_twin(model, SOURCE, TARGET), model(SOURCE, TARGET))
