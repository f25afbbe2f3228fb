"""The decoder layer, drawn."""

from matplotlib.patches import Circle

from workbook.figures import decoder_layer


def test_three_sublayers_with_their_norms_and_three_roads_around_them():
    axes = decoder_layer().figure.axes[0]
    said = [text.get_text() for text in axes.texts]
    order = ["norm1", "self_attention", "norm2", "cross_attention", "norm3", "feed_forward"]
    places = {text.get_text(): text.get_position()[0] for text in axes.texts}
    assert sorted(order, key=places.get) == order
    assert said.count("memory") == 1
    assert sum(isinstance(patch, Circle) for patch in axes.patches) == 3


def test_the_memory_leads_to_cross_attention_alone():
    alt = decoder_layer().alt
    assert (
        "cross_attention, whose queries come from x and whose keys and values come from the" in alt
    )
    assert "Three roads lead around the three sublayers" in alt
