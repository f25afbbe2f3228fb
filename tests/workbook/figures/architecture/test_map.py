from functools import cache

import pytest
from matplotlib.colors import to_hex

from workbook.figures import transformer_map
from workbook.figures.architecture.insets import INSETS
from workbook.figures.architecture.marks import YOURS
from workbook.figures.architecture.plan import BOX, BOXES, SPOTS, marked_place, share
from workbook.syllabus import LESSONS, PIECES

FRAMES = {"encoder", "decoder"}


@cache
def map_of(number):
    """A map with every third piece passed, drawn once for the tests that only look at it."""
    return transformer_map(number, PIECES[::3])


def board(picture):
    return picture.figure.axes[0]


def texts(picture):
    return [text.get_text() for text in board(picture).texts]


def patches(picture, gid):
    return [patch for patch in board(picture).patches if patch.get_gid() == gid]


def filled_shares(picture):
    """How much of each box is filled: width of the tint over width of the box, by the box' name."""
    tints = [
        patch
        for patch in board(picture).patches
        if to_hex(patch.get_facecolor()) == YOURS and patch.get_clip_path() is not None
    ]
    found = {}
    for box in BOXES:
        if box.name in FRAMES:
            continue
        found[box.name] = sum(
            tint.get_width() / box.place.width
            for tint in tints
            if hasattr(tint, "get_x")
            and (tint.get_x(), tint.get_y()) == pytest.approx((box.place.left, box.place.bottom))
        )
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_every_lesson_has_a_map_that_names_it_and_marks_its_place(lesson):
    picture = map_of(lesson.number)
    assert f"lesson {lesson.number:02d}" in picture.figure.texts[0].get_text()
    assert f"Lesson {lesson.number:02d}" in picture.alt
    assert SPOTS[lesson.number].spoken in picture.alt
    # The last rim is the one in the legend.
    assert len(patches(picture, "here")) == len(SPOTS[lesson.number].marked) + 1
    assert INSETS[lesson.number].heading in texts(picture)
    listed = {text.get_gid() for text in board(picture).texts if text.get_gid()}
    own = set(PIECES[::3])
    assert listed == {f"{'done' if p in own else 'open'} {p}" for p in lesson.pieces}


def test_a_lesson_can_be_given_by_its_number():
    assert transformer_map(5, ()).alt == transformer_map("05-encoder", ()).alt
    with pytest.raises(KeyError, match="no lesson"):
        transformer_map(11, ())


def test_boxes_fill_by_the_share_of_their_pieces_that_have_passed():
    passed = {"softmax", "scaled_dot_product_attention", "LayerNorm", "residual"}
    found = filled_shares(transformer_map(3, passed))
    for box in BOXES:
        if box.name not in FRAMES:
            assert found[box.name] == pytest.approx(float(share(box.pieces, passed))), box.name
    assert found["softmax"] == 1
    assert found["cross-attention"] == pytest.approx(2 / 5)
    assert found["linear"] == 0


def test_a_filled_box_has_a_tick_and_a_partly_filled_one_its_fraction():
    shown = texts(transformer_map(3, {"softmax", "FeedForward"}))
    assert "1/5" in shown
    assert shown.count("1/6") == 2
    # Softmax, two feed forwards, and the legend's.
    assert shown.count("✓") == 4


def test_the_count_follows_the_pieces():
    picture = transformer_map(2, {"softmax", "attend", "RNN"})
    said = f"3 of {len(PIECES)} pieces are yours; 2 of the 5 that this lesson asks for."
    assert picture.figure.texts[1].get_text() == said
    assert said in picture.alt
    assert "Yours from this lesson: softmax, attend." in picture.alt


def test_with_every_piece_nothing_is_left_empty():
    picture = transformer_map(9, PIECES)
    assert "Empty:" not in picture.alt
    assert "Partly filled:" not in picture.alt
    assert set(filled_shares(picture).values()) == {1}


def test_bert_leaves_the_decoder_out_and_gpt_the_encoder_and_cross_attention():
    bert, gpt = SPOTS[7].absent, SPOTS[8].absent
    assert {"decoder", "cross-attention", "linear"} <= set(bert)
    assert "encoder" not in bert
    assert {"encoder", "cross-attention", "source embedding"} <= set(gpt)
    assert not {"decoder", "decoder self-attention", "linear"} & set(gpt)
    picture = transformer_map(8, PIECES)
    (absent,), (present,) = patches(picture, "cross-attention"), patches(picture, "linear")
    assert absent.get_linestyle() != present.get_linestyle()
    assert filled_shares(picture)["cross-attention"] == 0
    assert "not in this model" in texts(picture)
    assert "not in this model" not in texts(transformer_map(9, PIECES))


def test_the_toolbox_is_asked_when_nothing_is_given(own_toolbox):
    assert "0 of" in transformer_map(2).alt
    own_toolbox.mkdir()
    (own_toolbox / "softmax.py").write_text("def softmax(scores, dim): ...\n")
    assert "Yours from this lesson: softmax." in transformer_map(2).alt


def test_names_that_are_no_pieces_are_refused():
    with pytest.raises(ValueError, match="not a piece of the course: Softmax"):
        transformer_map(2, {"Softmax"})
    with pytest.raises(TypeError, match="collection of names"):
        transformer_map(2, "softmax")


def test_every_box_is_filled_by_pieces_of_the_course():
    for box in BOXES:
        assert box.pieces, box.name
        assert set(box.pieces) <= set(PIECES), box.name


def test_no_two_boxes_overlap_and_each_lies_in_its_stack():
    placed = [box for box in BOXES if box.name not in FRAMES]
    for position, one in enumerate(placed):
        for other in placed[position + 1 :]:
            a, b = one.place, other.place
            apart = a.right < b.left or b.right < a.left or a.top < b.bottom or b.top < a.bottom
            assert apart, f"{one.name} lies over {other.name}"
    for name in ("encoder self-attention", "encoder norm 2"):
        frame, inner = BOX["encoder"].place, BOX[name].place
        assert frame.left < inner.left
        assert inner.right < frame.right
        assert inner.top < frame.top


@pytest.mark.parametrize("number", range(1, 11))
def test_texts_and_marks_lie_within_the_figure(number):
    picture = map_of(number)
    figure = picture.figure
    figure.set_dpi(96)
    figure.draw_without_rendering()
    renderer = figure._get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    for text in [*figure.texts, *board(picture).texts]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= width, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.y1 <= height, text.get_text()
    for name in SPOTS[number].marked:
        place = marked_place(name)
        assert place.left > 0.07
        assert place.bottom > 0.07


@pytest.mark.parametrize("number", range(1, 11))
def test_no_text_lies_over_another(number):
    picture = map_of(number)
    figure = picture.figure
    figure.draw_without_rendering()
    renderer = figure._get_renderer()
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in board(picture).texts
        if text.get_text()
    ]
    for position, (one, a) in enumerate(boxes):
        for other, b in boxes[position + 1 :]:
            over_x = min(a.x1, b.x1) - max(a.x0, b.x0)
            over_y = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(over_x, over_y) < 1.5, f"{one!r} lies over {other!r}"


def test_equal_states_give_equal_images():
    assert transformer_map(4, {"softmax"}).png == transformer_map(4, ["softmax"]).png
