"""`xinshi grade estimate`: a file of marks in, tables out; a wrong row stops everything."""

import csv
import json
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from benchmarks.grading.market import grade, simulate
from core import i18n
from grading.cli import cli
from grading.estimator.marks import half_up
from grading.marks_file import shelf

HEADER = "agency,reviewer,difficulty,date,mark"
AS_OF = date(2026, 11, 1)


@pytest.fixture
def estimate(tmp_path, monkeypatch):
    """Write rows to a file and grade them; returns (result, scores by agency or None)."""
    monkeypatch.setenv("XINSHI_LANGUAGE", "zh")

    def run(text, *options, name="marks.csv", out="scores.csv"):
        path = tmp_path / name
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = CliRunner().invoke(
            cli, ["estimate", str(path), "--as-of", AS_OF.isoformat(), "--out", str(tmp_path / out), *options]
        )
        i18n.set_language("zh_Hans")
        scores = tmp_path / out
        return done, ({row["agency"]: row for row in read(scores)} if scores.exists() else None)

    run.folder = tmp_path
    return run


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(market):
    """The simulated marks as rows of a file."""
    for n in range(len(market.mark)):
        day = AS_OF - timedelta(days=round(float(market.age[n]) * 30.4375))
        yield (
            f"AG{market.agency[n]:04d},R{market.reviewer[n]:03d},class {market.difficulty[n]},{day},"
            f"{market.mark[n]:.2f},C{market.client[n]}"
        )


@pytest.fixture
def market_file():
    return HEADER + ",client\n" + "\n".join(rows(simulate(1, agencies=80))) + "\n"


def test_the_file_gives_what_the_estimator_gives(estimate, market_file):
    done, scores = estimate(market_file)
    assert done.exit_code == 0, done.output
    assert list(scores["AG0000"]) == [
        "agency", "score", "sd", "n", "weight", "reliability", "grade", "firm", "p_up", "p_down", "alarm",
    ]  # fmt: skip
    found = grade(simulate(1, agencies=80))[0]
    ours = np.array([float(scores[f"AG{n:04d}"]["score"]) for n in range(80)])
    assert ours == pytest.approx(half_up(found.score, 2), abs=0.12)  # days are whole, marks have two decimals
    assert {row["grade"] for row in scores.values()} <= set("ABCDN")
    assert scores["AG0000"]["n"] == "10"
    assert scores["AG0000"]["alarm"] in ("true", "false")


def test_the_order_of_rows_changes_nothing(estimate, market_file):
    head, *body = market_file.splitlines()
    options = ("--severities", str(estimate.folder / "sev.csv"))
    estimate(market_file, *options)
    first = [(estimate.folder / name).read_bytes() for name in ("scores.csv", "sev.csv")]
    np.random.default_rng(3).shuffle(body)
    estimate("\n".join([head, *body]), *options)
    assert [(estimate.folder / name).read_bytes() for name in ("scores.csv", "sev.csv")] == first


def test_parts_on_disk_make_no_difference(estimate, market_file, monkeypatch):
    _, whole = estimate(market_file)
    monkeypatch.setattr(shelf, "SMALL", 0)
    _, parts = estimate(market_file, out="parts.csv")
    assert parts == whole
    assert list(parts) == sorted(parts)


def test_all_tables_are_written_and_the_explanation_adds_up(estimate, market_file):
    names = ("--severities", "sev.csv"), ("--difficulties", "dif.csv"), ("--explain", "explain.jsonl")
    done, scores = estimate(
        market_file, *(part for flag, name in names for part in (flag, str(estimate.folder / name)))
    )
    assert done.exit_code == 0
    severities = {row["reviewer"]: row for row in read(estimate.folder / "sev.csv")}
    assert len(severities) == 60
    assert {row["state"] for row in severities.values()} == {"linked"}
    assert sum(float(row["severity"]) for row in severities.values()) == pytest.approx(0, abs=0.4)
    assert [row["difficulty"] for row in read(estimate.folder / "dif.csv")] == ["class 0", "class 1", "class 2"]
    for line in (estimate.folder / "explain.jsonl").read_text("utf-8").splitlines():
        told = json.loads(line)
        effects = sum(round(100 * one["effect"]) for one in told["marks"])
        assert round(100 * told["base"]) + effects == round(100 * told["score"])
        assert f"{told['score']:.2f}" == scores[told["agency"]]["score"]
        given = told["marks"][0]["given"][0]
        assert given["mark"] + given["correction"] == pytest.approx(told["marks"][0]["corrected"], abs=0.011)


def test_parquet_is_read_like_csv(estimate, market_file):
    _, by_csv = estimate(market_file)
    body = [line.split(",") for line in market_file.splitlines()[1:]]
    columns = list(zip(*body, strict=True))
    table = pa.table(
        {
            "agency": pa.array(columns[0]).dictionary_encode(),
            "reviewer": columns[1],
            "difficulty": columns[2],
            "date": [date.fromisoformat(day) for day in columns[3]],
            "mark": [float(mark) for mark in columns[4]],
            "client": columns[5],
        }
    )
    pq.write_table(table, estimate.folder / "marks.parquet")
    done, by_parquet = estimate(None, name="marks.parquet", out="other.csv")
    assert done.exit_code == 0, done.output
    assert by_parquet == by_csv


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}\nA,R,,2026-01-01,80\nA,R,,2026-02-30,80\n", "第 3 行：日期“2026-02-30”"),
        (f"{HEADER}\nA,R,,2026-01-01,80\n\n\nA,R,,20260102,80\n", "第 5 行：日期"),
        (f"{HEADER}\nA,R,,2026-01-01,eighty\n", "第 2 行：分数“eighty”不是数"),
        (f"{HEADER}\nA,R,,2026-01-01,\n", "第 2 行：分数“”不是数"),
        (f"{HEADER}\nA,R,,2026-01-01,nan\n", "第 2 行：分数“nan”不是数"),
        (f"{HEADER}\nA,R,,2026-01-01,100.5\n", "第 2 行：分数 100.5 不在"),
        (f"{HEADER}\n ,R,,2026-01-01,80\n", "第 2 行：机构"),
        (f"{HEADER}\nA,,,2026-01-01,80\n", "第 2 行：评审人"),
        (f"{HEADER}\nA,R,,2026-01-01\n", "第 2 行：应有 5 列，实有 4 列"),
        (f"{HEADER}\nA,R,,2026-01-01,80,1\n", "第 2 行：应有 5 列，实有 6 列"),
        (f"{HEADER},stars\nA,R,,2026-01-01,80,five\n", "第 2 行：星级“five”"),
        ("agency,date,mark\nA,2026-01-01,80\n", "第 1 行缺少列：reviewer"),
        (f"{HEADER},mark\nA,R,,2026-01-01,80,81\n", "列名重复：mark"),
        (f"{HEADER}\n", "没有任何评分"),
        ("", "第 1 行缺少列"),
        (HEADER.encode() + b"\nA,R\xff,,2026-01-01,80\n", "UTF-8"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_written(estimate, text, said):
    done, scores = estimate(text)
    assert done.exit_code == 1
    assert said in done.output
    assert scores is None
    assert not [one for one in estimate.folder.iterdir() if one.name.endswith(".tmp")]


def test_old_results_stay_when_the_new_file_is_wrong(estimate, market_file):
    _, before = estimate(market_file)
    _, after = estimate(f"{HEADER}\nA,R,,2026-01-01,eighty\n")
    assert after == before


def test_a_file_that_is_no_parquet_is_refused(estimate):
    done, scores = estimate(b"PAR1 and then nothing", name="marks.parquet")
    assert done.exit_code == 1
    assert "Parquet" in done.output
    assert scores is None


def test_ids_are_text_bom_and_quotes_are_read_and_later_or_old_marks_do_not_count(estimate):
    text = (
        f'\ufeff{HEADER},note\n"甲,公司",007,,2026-10-01,80,x\n"甲,公司",7,,2026-10-02,90,y\n'
        "乙,7,,2026-11-02,10,z\n丙,7,,2023-11-01,10,z\n"
    )
    done, scores = estimate(text, "--severities", str(estimate.folder / "sev.csv"))
    assert done.exit_code == 0, done.output
    assert {name: row["n"] for name, row in scores.items()} == {"甲,公司": "2", "乙": "0", "丙": "0"}
    assert [row["reviewer"] for row in read(estimate.folder / "sev.csv")] == ["007", "7"]
    assert {row["grade"] for row in scores.values()} == {"N"}


def test_two_reviewers_of_one_case_give_one_mark(estimate):
    lines = [f"A,R{n},,2026-10-0{n},8{n},c{n // 2}" for n in range(1, 6)]
    _, scores = estimate(f"{HEADER},case\n" + "\n".join([*lines, "A,R9,,2026-10-09,80,", "A,R8,,2026-10-09,80,"]))
    assert scores["A"]["n"] == "5"  # c0, c1 and c2, and two without a case


def test_another_scale_is_stretched_to_points(estimate):
    text = f"{HEADER}\n" + "".join(f"A,R{n},,2026-10-01,4.5\n" for n in range(6))
    _, scores = estimate(text, "--scale", "1", "5")
    assert float(scores["A"]["score"]) == pytest.approx(87.5)
    done, _ = estimate(text, "--scale", "5", "1", out="none.csv")
    assert done.exit_code == 2


def test_frozen_severities_are_used_as_they_are(estimate):
    people = range(6)
    table = "reviewer,severity\n" + "".join(f"strict{n},10\n" for n in people)
    (estimate.folder / "frozen.csv").write_text(table, "utf-8")
    marks = "".join(f"A,strict{n},,2026-10-01,70\nB,new{n},,2026-10-01,70\n" for n in people)
    text = f"{HEADER}\n{marks}"
    _, scores = estimate(text, "--frozen-severities", str(estimate.folder / "frozen.csv"))
    assert float(scores["A"]["score"]) > float(scores["B"]["score"]) + 5
    (estimate.folder / "frozen.csv").write_text("reviewer,severity\nstrict0,much\n", "utf-8")
    done, _ = estimate(text, "--frozen-severities", str(estimate.folder / "frozen.csv"))
    assert done.exit_code == 1
    assert "much" in done.output


def test_a_frozen_table_gives_back_what_it_was_learnt_with(estimate):
    """Corrections and consistency; a table without the column counts all alike."""
    dice = np.random.default_rng(3)
    lines = [
        f"A{agency:03d},R{who},,2026-10-01,{np.clip(level + dice.normal(0, 2 if who < 6 else 12), 0, 100):.2f}"
        for agency, level in enumerate(dice.normal(70, 6, 150))
        for who in dice.choice(12, 6, replace=False)
    ]
    text = HEADER + "\n" + "\n".join(lines) + "\n"
    table = estimate.folder / "sev.csv"
    _, learnt = estimate(text, "--severities", str(table))
    counts = {row["reviewer"]: float(row["consistency"]) for row in read(table)}
    assert min(counts[f"R{n}"] for n in range(6)) > 1.5
    assert max(counts[f"R{n}"] for n in range(6, 12)) < 1
    weights = [float(row["weight"]) for row in learnt.values()]
    _, again = estimate(text, "--frozen-severities", str(table))
    assert [float(row["weight"]) for row in again.values()] == pytest.approx(weights, rel=0.02)
    table.write_text("reviewer,severity\n" + "".join(f"{name},0\n" for name in counts), "utf-8")
    _, alike = estimate(text, "--frozen-severities", str(table))
    assert [float(row["weight"]) for row in alike.values()] == pytest.approx([6 * 0.5 ** (1 / 12)] * 150, rel=0.3)
    table.write_text("reviewer,severity,consistency\nR0,0,0\n", "utf-8")
    done, _ = estimate(text, "--frozen-severities", str(table))
    assert (done.exit_code, "一致性须为正数" in done.output) == (1, True)


def test_the_last_grade_holds_a_grade_and_an_entrant_starts_below_the_field(estimate, market_file):
    _, fresh = estimate(market_file)
    last = estimate.folder / "previous.csv"
    last.write_text("agency,grade\n" + "".join(f"{name},D\n" for name in fresh), "utf-8")
    _, held = estimate(market_file, "--previous", str(last))
    assert {row["grade"] for row in held.values()} <= set("DCN")  # one step at most
    few = market_file + "".join(f"NEW,R{n:03d},,2026-10-0{n},90,C{n}\n" for n in range(1, 4))
    _, without = estimate(few)
    _, entrant = estimate(few, "--previous", str(last))
    assert without["NEW"]["grade"] == entrant["NEW"]["grade"] == "N"
    assert float(entrant["NEW"]["score"]) < float(without["NEW"]["score"]) - 1
    last.write_text("agency,grade\nAG0000,E\n", "utf-8")
    done, _ = estimate(market_file, "--previous", str(last))
    assert done.exit_code == 1
    assert "E" in done.output


def test_a_scheme_of_ones_own_is_used_and_a_broken_one_refused(estimate, market_file):
    from pathlib import Path

    published = Path("grading/content/schemes/xt_2026_1.toml").read_text("utf-8")
    mine = estimate.folder / "mine.toml"
    fixed = "".join(line for line in published.splitlines(True) if not line.startswith("half_life_"))
    mine.write_text(fixed.replace("[estimator]\n", "[estimator]\nhalf_life_months = 3\n", 1), "utf-8")
    _, slow = estimate(market_file)
    _, fast = estimate(market_file, "--scheme", str(mine))
    assert float(fast["AG0000"]["weight"]) < float(slow["AG0000"]["weight"])
    mine.write_text("schema = 'something else'", "utf-8")
    done, _ = estimate(market_file, "--scheme", str(mine))
    assert done.exit_code == 1


def harsh(severities, agencies=120, each=8):
    """Marks by reviewers of these severities, every agency by `each` of them, with little chance."""
    dice = np.random.default_rng(3)
    for agency in range(agencies):
        level = dice.normal(55, 6)
        for reviewer in dice.choice(len(severities), each, replace=False):
            mark = level - severities[reviewer] + dice.normal(0, 2)
            yield f"AG{agency:03d},R{reviewer:02d},,2026-09-01,{mark:.2f}"


def corrections(estimate, severities):
    """The correction that each reviewer's marks got, and what the table says of the reviewers."""
    told, table = estimate.folder / "why.jsonl", estimate.folder / "sev.csv"
    text = "\n".join([HEADER, *harsh(severities)])
    done, _ = estimate(text, "--explain", str(told), "--severities", str(table))
    assert done.exit_code == 0, done.output
    agencies = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
    marks = [given for agency in agencies for mark in agency["marks"] for given in mark["given"]]
    return {one["reviewer"]: one["correction"] for one in marks}, {row["reviewer"]: row for row in read(table)}


def test_one_reviewer_far_off_is_corrected_up_to_the_limit_and_named(estimate):
    found, table = corrections(estimate, np.array([30.0, *np.random.default_rng(5).normal(0, 2, 39)]))
    assert found["R00"] == 12
    assert table["R00"]["state"] == "beyond-limit"
    assert float(table["R00"]["severity"]) > 25


def test_where_all_reviewers_differ_much_the_limit_is_two_standard_deviations(estimate):
    severities = np.linspace(-24, 24, 40)
    found, _ = corrections(estimate, severities)
    assert found["R00"] == pytest.approx(-24, abs=2)
    assert found["R39"] == pytest.approx(24, abs=2)
