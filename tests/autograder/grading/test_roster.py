"""Who is in the class, as spreadsheets and learning platforms save it."""

import pytest

from autograder.grading.roster import BadRoster, read


@pytest.fixture
def people(tmp_path):
    """(id, first name, last name, email) of everybody in a file with this text."""

    def of(text, encoding="utf-8"):
        path = tmp_path / "roster.csv"
        path.write_text(text, encoding=encoding, newline="")
        return [
            (each.id, each.first_name, each.last_name, each.email) for each in read(path).people
        ]

    return of


ANA = ("s1", "Ana", "Díaz", "ana@x.org")


@pytest.mark.parametrize(
    "text",
    [
        "id,first_name,last_name,email\ns1,Ana,Díaz,ana@x.org\n",
        "email;id;name\nana@x.org;s1;Ana Díaz\n",
        "Name\tStudent_ID\tE-Mail\r\nDíaz, Ana\ts1\tana@x.org\r\n",
        "First name,Surname,ID number,Email address\nAna,Díaz,s1,ana@x.org\n",
        'Student,ID,SIS User ID,SIS Login ID,Section,email\n"Díaz, Ana",77,s1,ana,A,ana@x.org\n',
        "id,name,email\n s1 , Ana Díaz ,ana@x.org\n,,\n",
    ],
)
def test_columns_are_known_by_their_names(people, text):
    assert people(text) == [ANA]
    assert people(text, "utf-8-sig") == [ANA]


def test_canvas_line_of_points_possible_is_nobody(people):
    text = 'Student,ID,SIS User ID\n    Points Possible,,\n"Díaz, Ana",77,s1\n'
    assert people(text) == [("s1", "Ana", "Díaz", None)]


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section\n"
    "    Points Possible,,,,\n"
    '"Díaz, Ana",77,s1,ana,A\n'
    '"Li, Ben",78,,ben,B\n'
    '"Student, Test",79,,,A\n'
)
MOODLE = (
    "First name,Surname,ID number,Username,Email address\n"
    "Ana,Díaz,s1,ana,ana@x.org\n"
    "Ben,Li,,ben,ben@x.org\n"
    "Grace,Teacher,,,grace@x.org\n"
    ",,,,nobody@x.org\n"
)


@pytest.mark.parametrize(
    ("text", "left_out", "columns"),
    [
        (CANVAS, ("Test Student (line 5)",), ("SIS User ID", "SIS Login ID")),
        (MOODLE, ("Grace Teacher (line 4)", "nobody@x.org (line 5)"), ("ID number", "Username")),
    ],
)
def test_a_row_without_its_id_has_the_next_and_one_without_any_is_named(
    tmp_path, text, left_out, columns
):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    found = read(path)
    assert list(found.by_id()) == ["s1", "ben"]
    assert (found.left_out, found.columns) == (left_out, columns)
    told = found.about_left_out()
    assert all(f"“{column}”" in told for column in columns)
    assert left_out[0] in told


def test_where_everybody_has_an_id_nobody_is_left_out(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("id,name\ns1,Ana\n,,\n")
    assert read(path).about_left_out() == ""


def test_a_single_name_is_a_first_name(people):
    assert people("id,name\ns1,Pelé\n") == [("s1", "Pelé", None, None)]


def test_other_columns_are_kept(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("id,Section\ns1,B\n")
    assert read(path).people[0].row == {"id": "s1", "Section": "B"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds nobody"),
        ("id,name\n", "holds nobody"),
        ("number,name\n1,Ana\n", "has no column “id”; it has number, name"),
        ("id,name\ns1,Ana\ns1,Ben\n", "line 3: s1 is there twice"),
        (
            "id,name\n,Ana\n",
            "holds nobody with an id. Left out of the roster",
        ),
    ],
)
def test_what_is_no_roster_is_told(people, text, says):
    with pytest.raises(BadRoster, match=r"roster\.csv") as refusal:
        people(text)
    assert says in str(refusal.value)


def test_a_missing_file_and_another_encoding_are_told(people, tmp_path):
    with pytest.raises(BadRoster, match="can't be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(BadRoster, match="CSV UTF-8"):
        people("id,name\ns1,Díaz\n", "latin-1")
