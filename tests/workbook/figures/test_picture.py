import base64
import copy
import html
import io
import struct

import matplotlib
import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from PIL import Image

from workbook.figures.paper import sheet
from workbook.figures.picture import WIDGET_VIEW, Picture, stored


def drawn(height=1.0):
    with sheet(2, 1.2, "A bar") as page:
        page.axes(0.4, 0.3, 1.2, 0.7).bar([1], [height])
    return Picture(page.figure, 'One bar, "high" & <tall>')


def chunks(png):
    position, kinds = 8, []
    while position < len(png):
        (size,) = struct.unpack(">I", png[position : position + 4])
        kinds.append(png[position + 4 : position + 8].decode())
        position += 12 + size
    return kinds


def test_the_output_carries_html_an_image_and_the_words():
    picture = drawn()
    data, metadata = picture._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert data["text/plain"] == picture.alt
    assert base64.b64decode(data["image/png"]) == picture.png
    assert metadata["image/png"] == {"alt": picture.alt, "width": picture.width}
    assert f'alt="{html.escape(picture.alt)}"' in data["text/html"]
    assert data["image/png"] in data["text/html"]


def test_the_image_is_twice_as_fine_as_the_page():
    picture = drawn()
    width, _ = struct.unpack(">II", picture.png[16:24])
    assert (width, picture.width) == (384, 192)


def test_equal_figures_give_equal_bytes_and_others_do_not():
    assert drawn().png == drawn().png
    assert drawn().png != drawn(0.5).png


def test_the_image_holds_no_date_and_no_version():
    assert not {"tEXt", "iTXt", "zTXt", "tIME"} & set(chunks(drawn().png))


def test_the_readers_own_settings_change_nothing_and_stay_as_they_were():
    expected = drawn().png
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 17}):
        assert drawn().png == expected
        assert matplotlib.rcParams["font.size"] == 30
    assert matplotlib.rcParams["axes.spines.top"] is True


@pytest.mark.parametrize("alt", ["", "  \n ", None])
def test_a_picture_without_words_is_refused(alt):
    with pytest.raises(ValueError, match="alternative text"):
        Picture(Figure(), alt)


def test_a_picture_of_something_else_is_refused():
    with pytest.raises(TypeError, match="was given a bytes"):
        Picture(b"png", "words")


def test_white_space_in_the_words_is_made_even():
    assert Picture(Figure(), " two\n  lines ").alt == "two lines"


def notebook_with(output):
    cell = nbformat.v4.new_code_cell("picture", outputs=[output])
    return nbformat.v4.new_notebook(cells=[cell])


def output_of(shown):
    data, metadata = shown._repr_mimebundle_()
    return nbformat.v4.new_output("display_data", data=data, metadata=metadata)


def images(notebook, template):
    page, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
    return BeautifulSoup(page, "html.parser").find_all("img")


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_an_exported_page_has_one_image_with_the_alternative_text(template):
    picture = drawn()
    (image,) = images(notebook_with(output_of(picture)), template)
    assert image["alt"] == picture.alt


def test_the_stored_output_still_gives_nbgraders_pages_the_alternative_text():
    picture = drawn()
    kept = nbformat.from_dict(stored(output_of(picture)))
    assert set(kept.data) == {"image/png", "text/plain"}
    (image,) = images(notebook_with(kept), "classic")
    assert image["alt"] == picture.alt


def test_a_grading_page_that_cleans_html_keeps_a_stored_picture():
    kept = nbformat.from_dict(stored(output_of(drawn())))
    exporter = HTMLExporter(template_name="classic", sanitize_html=True)
    page, _ = exporter.from_notebook_node(notebook_with(kept))
    assert page.count("<img") == 1
    assert "&lt;img" not in page


def test_storing_drops_the_live_view_of_any_widget_and_leaves_the_original_alone():
    progress = {
        "output_type": "display_data",
        "data": {WIDGET_VIEW: {"model_id": "1"}, "text/html": "<b>7</b>", "text/plain": "7"},
        "metadata": {},
    }
    before = copy.deepcopy(progress)
    assert stored(progress)["data"] == {"text/html": "<b>7</b>", "text/plain": "7"}
    assert progress == before
    stream = {"output_type": "stream", "name": "stdout", "text": "7"}
    assert stored(stream) == stream


def test_the_png_can_be_read_back():
    with Image.open(io.BytesIO(drawn().png)) as image:
        image.verify()
        assert image.format == "PNG"
