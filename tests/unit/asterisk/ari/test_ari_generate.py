"""The generator: what is committed is what Asterisk's JSON gives."""

import ast
import json
from pathlib import Path

import pytest

from app.asterisk.ari import generate, operations
from asterisk.lab.root import find_installation

RESOURCE = {
    "apis": [
        {
            "path": "/things/{thingId}",
            "operations": [
                {
                    "httpMethod": "PUT",
                    "nickname": "import",
                    "responseClass": "List[Thing]",
                    "summary": 'Say "hello" \\ <br/>now',
                    "since": ["1.0"],
                    "parameters": [
                        {"name": "from", "paramType": "query", "dataType": "string", "required": False},
                        {"name": "thingId", "paramType": "path", "dataType": "string", "required": True},
                    ],
                },
                {"httpMethod": "GET", "nickname": "watch", "responseClass": "Message", "upgrade": "websocket"},
            ],
        }
    ],
    "models": {
        "Thing": {"id": "Thing", "properties": {"from": {"type": "string", "required": True}}},
        "Message": {
            "id": "Message",
            "discriminator": "type",
            "subTypes": ["Came", "Went"],
            "properties": {"type": {"type": "string", "required": True}},
        },
        "Came": {"id": "Came", "properties": {"thing": {"type": "Thing"}}},
        "Went": {"id": "Went", "properties": {}},
    },
}


def rest_api() -> Path | None:
    """The JSON of the Asterisk the tests run on."""
    installation = find_installation()
    folder = installation.data_dir / "rest-api" if installation else generate.rest_api_folder(None)
    return folder if (folder / "resources.json").exists() else None


@pytest.fixture
def small_api(tmp_path: Path) -> Path:
    index = {"apiVersion": "1.0.0", "apis": [{"path": "/api-docs/things.{format}"}]}
    (tmp_path / "resources.json").write_text(json.dumps(index))
    (tmp_path / "things.json").write_text(json.dumps(RESOURCE))
    return tmp_path


def test_the_committed_files_are_what_asterisk_describes(capsys: pytest.CaptureFixture[str]) -> None:
    folder = rest_api()
    if folder is None:
        pytest.skip("no Asterisk with its rest-api JSON on this machine (make lab)")
    assert generate.main(["--check", "--rest-api", str(folder)]) == 0, capsys.readouterr().out


def test_files_out_of_date_are_named(small_api: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check", "--rest-api", str(small_api)]) == 1
    assert "models.py, operations.py out of date" in capsys.readouterr().out


def test_a_folder_without_the_json_is_a_clear_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--rest-api", str(tmp_path / "nowhere")]) == 2
    assert "--rest-api DIR" in capsys.readouterr().out


def test_words_python_keeps_for_itself_get_an_underscore(small_api: Path) -> None:
    api = generate.read_api(small_api)
    source = generate.operations_source(api)
    ast.parse(source)
    assert "async def import_(self, *, thingId: str, from_: str | None = None) -> builtins.list[Thing]:" in source
    assert '{"from": from_}' in source
    assert 'from_: str = msgspec.field(default="", name="from")' in generate.models_source(api)


def test_only_ids_and_models_must_be_there() -> None:
    assert generate.default_of("id", "str", True) == ""
    assert generate.default_of("channel", "Channel", True) == ""
    assert generate.default_of("channel", "Channel", False) == "None"
    assert generate.default_of("device_names", "list[str]", True) == "[]"
    assert generate.default_of("cause", "int", True) == "0"


def test_the_websocket_is_no_operation(small_api: Path) -> None:
    assert "watch" not in generate.operations_source(generate.read_api(small_api))


def test_messages_are_a_union_told_apart_by_type(small_api: Path) -> None:
    source = generate.models_source(generate.read_api(small_api))
    ast.parse(source)
    assert 'tag="Came"' in source
    assert "    Came\n    | Went\n" in source


@pytest.mark.parametrize(
    "name", ["originate", "originateWithId", "hangup", "continueInDialplan", "play", "snoopChannel"]
)
def test_operations_keep_the_names_ari_py_had(name: str) -> None:
    assert callable(getattr(operations.Channels, name))
