"""Naming file and line: includes are followed, comments passed over, the last line counts."""

from pathlib import Path

from app.doctor.conf import Conf


def written(folder: Path, **files: str) -> Conf:
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text)
    return Conf(directory=folder)


def test_the_last_line_that_sets_it_is_named(tmp_path: Path) -> None:
    conf = written(tmp_path, http="[general]\nbindport=8088\n\n[general](+)\nbindport => 8090 ; ours\n")
    line = conf.line("http.conf", "general", "bindport")
    assert line is not None
    assert (line.number, line.value) == (5, "8090")
    assert conf.place("http.conf", "general", "bindport") == f"{tmp_path}/http.conf, line 5: bindport = 8090"


def test_includes_are_followed_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "outring").mkdir()
    (tmp_path / "outring" / "http.conf").write_text("; comment\n[general](+)\nsessionlimit = 1000\n")
    conf = written(tmp_path, http="[general]\nenabled = no\n#include outring/http.conf\n#tryinclude missing.conf\n")
    line = conf.line("http.conf", "general", "sessionlimit")
    assert line is not None
    assert (line.path, line.number) == (tmp_path / "outring" / "http.conf", 3)


def test_an_include_without_a_section_goes_on_in_the_one_it_stands_in(tmp_path: Path) -> None:
    conf = written(tmp_path, http="[general]\n#include http_custom.conf\n", http_custom="sessionlimit = 50\n")
    assert conf.line("http.conf", "general", "sessionlimit") is not None


def test_a_file_that_includes_itself_comes_to_an_end(tmp_path: Path) -> None:
    conf = written(tmp_path, http="[general]\nprefix = a\n#include http.conf\n")
    assert conf.line("http.conf", "general", "prefix") is not None


def test_what_is_commented_out_is_not_there(tmp_path: Path) -> None:
    conf = written(tmp_path, http="[general]\n;prefix = a\n;-- \nprefix = b\n--;\nsessionlimit = 7\n")
    assert [line.key for line in conf.lines("http.conf", "general")] == ["sessionlimit"]


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    conf = written(tmp_path, ari="[outring]\npassword = sesame\n")
    assert conf.place("ari.conf", "outring", "password").endswith("line 2: password = …")


def test_a_file_that_is_not_there_or_not_ours_to_read_is_only_named(tmp_path: Path) -> None:
    conf = written(tmp_path, http="[general]\nprefix = a\n")
    assert conf.place("ari.conf", "outring", "password") == f"{tmp_path}/ari.conf, [outring]"
    elsewhere = Conf(directory=tmp_path, is_readable_here=False)
    assert elsewhere.place("http.conf", "general", "prefix") == f"{tmp_path}/http.conf, [general]"


def test_on_freepbx_its_screen_and_the_file_it_leaves_alone_are_named(tmp_path: Path) -> None:
    conf = written(tmp_path, http="[general]\nprefix = a\n").on_freepbx()
    place = conf.place("http.conf", "general", "prefix")
    assert place.startswith("FreePBX: Settings → Advanced Settings")
    assert place.endswith(f"{tmp_path}/http_custom.conf, [general]")
    assert conf.place("extensions.conf", "outring-answered") == f"{tmp_path}/extensions_custom.conf, [outring-answered]"
