"""What the README promises a newcomer, run as it stands."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def first_block(tmp_path: Path) -> Path:
    """The first Python block, pasted into a file of its own."""
    block = re.search(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert block, "the README has no Python block"
    path = tmp_path / "pasted.py"
    path.write_text(block[1], encoding="utf-8")
    return path


def test_the_first_code_block_answers_the_three_questions_as_printed(first_block, capsys):
    answers = runpy.run_path(str(first_block))
    printed = capsys.readouterr().out.strip()
    assert answers["drift"].detected
    assert answers["decision"].retrain
    assert answers["verdict"].promote
    assert f"```text\n{printed}\n```" in README


@pytest.mark.parametrize("session", ["demo", "tests"])
def test_the_two_commands_name_sessions_that_exist(session):
    assert f"python3 noxfile.py -s {session}" in README
    assert re.search(rf"^def {session}\(", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
