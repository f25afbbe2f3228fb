from workbook.figures import norm_orders
from workbook.figures.style import QUERY


def test_both_orders_have_the_three_boxes():
    texts = [text.get_text() for text in norm_orders().figure.axes[0].texts]
    for name in ("norm", "sublayer", "dropout"):
        assert texts.count(name) == 2
    assert {"pre-norm", "post-norm"} <= set(texts)


def test_only_the_second_road_goes_through_a_norm():
    board = norm_orders().figure.axes[0]
    road = [line for line in board.lines if line.get_color() == QUERY]
    assert len(road) == 2 + 3
    assert {float(line.get_ydata()[0]) for line in road} == {0.6}


def test_the_text_has_both_formulas():
    alt = norm_orders().alt
    assert "x + dropout(sublayer(norm(x)))" in alt
    assert "norm(x + dropout(sublayer(x)))" in alt
