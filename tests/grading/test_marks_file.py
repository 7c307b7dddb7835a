"""`xinshi grade estimate`: a file of marks in, tables out; a wrong row stops everything."""

import csv
import gzip
import json
import os
import signal
import time
from datetime import UTC, date, datetime, timedelta
from threading import Thread

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


RUINED = [
    ("A;R\n", "第 1 行缺少列：agency、reviewer、date、mark。那里有：A;R。"),
    (HEADER.replace("mark", "分数") + "\nA,R,,2026-01-01,80\n", "那里有：agency、reviewer、difficulty、date、分数"),
    (HEADER, "没有任何评分"),
    (f"\n\n{HEADER}\n\nA,R,,2026-01-01,eighty\n", "第 5 行：分数“eighty”"),
    (f"{HEADER}\nA,R,,2026-01-01,８０\n", "第 2 行：分数“８０”不是数"),
    (f"{HEADER}\nA,R,,2026-01-01,1e999\n", "第 2 行：分数“1e999”不是数"),
    (f'{HEADER}\nA,R,,2026-01-01,"1,000"\n', "第 2 行：分数“1,000”不是数"),
    (f"{HEADER}\nA,R,,2026-01-01,100.0000001\n", "分数 100.0000001 不在 0 到 100 之间"),
    (f"{HEADER}\nA,R,,2026-01-01T00:00:00,80\n", "第 2 行：日期“2026-01-01T00:00:00”"),
    (f"{HEADER}\nA,R,,2026/1/1,80\n", "第 2 行：日期“2026/1/1”"),
    (f"{HEADER},stars\nA,R,,2026-01-01,80,-1e300\n", "第 2 行：星级“-1e300”"),
    (f'{HEADER}\n"A\nx",R,,2026-01-01,80\n"A\nx",R,,2026-01-01,8O\n', "第 4 行：分数“8O”"),
    (f"{HEADER}\nA,R,,2026-01-01,80\n甲,R,,2026-01-01,80\n".encode("gbk"), "第 3 行：不是 UTF-8 编码"),
    (f"{HEADER}\nA,R,,2026-01-01,80\n".encode("utf-16"), "第 1 行：不是 UTF-8 编码"),
    (gzip.compress(f"{HEADER}\nA,R,,2026-01-01,80\n".encode(), mtime=0), "gzip"),
    (b"PK\x03\x04 a workbook", "XLSX"),
    (f'{HEADER}\n"{"A" * (9 << 20)},R,,2026-01-01,80\n', "超过 4 MB"),
    (b"PAR1 and then nothing", "Parquet"),
]


@pytest.mark.parametrize(("text", "said"), RUINED)
def test_a_ruined_file_is_refused_in_one_sentence(estimate, text, said):
    done, scores = estimate(text)
    assert (done.exit_code, scores) == (1, None)
    assert said in done.output
    assert isinstance(done.exception, SystemExit)


def test_ends_of_lines_a_mark_of_order_and_spaces_in_ids_are_no_faults(estimate):
    rows = "".join(f"007,R{n},,2026-10-0{n + 1},80\n" for n in range(5)) + " 007,R1,,2026-10-01,80\n"
    text = f"\ufeff{HEADER}\n\n{rows}"
    for ends in ("\n", "\r\n", "\r"):
        done, scores = estimate(text.replace("\n", ends))
        assert done.exit_code == 0, done.output
        assert {name: row["n"] for name, row in scores.items()} == {"007": "5", " 007": "1"}


def test_no_table_replaces_what_is_read_or_another_table(estimate, market_file):
    done, _ = estimate(market_file, out="marks.csv")
    assert done.exit_code == 1
    assert "它是输入文件" in done.output
    assert (estimate.folder / "marks.csv").read_text("utf-8") == market_file
    (estimate.folder / "link.csv").symlink_to(estimate.folder / "marks.csv")
    done, _ = estimate(market_file, out="link.csv")
    assert "它是输入文件" in done.output
    done, scores = estimate(market_file, "--severities", str(estimate.folder / "scores.csv"))
    assert (done.exit_code, scores) == (1, None)
    assert "两张表不能写到同一个文件" in done.output


def test_where_nothing_can_be_written_is_said_before_any_work(estimate, market_file):
    done, scores = estimate(market_file, out="nowhere/scores.csv")
    assert (done.exit_code, scores) == (1, None)
    assert "所在的目录不存在" in done.output
    done, scores = estimate(market_file, "--explain", str(estimate.folder / "nowhere" / "why.jsonl"))
    assert (done.exit_code, scores) == (1, None)


def test_a_link_stays_a_link_and_a_pipe_is_written_into(estimate, market_file):
    _, wanted = estimate(market_file)
    (estimate.folder / "link.csv").symlink_to(estimate.folder / "behind.csv")
    done, scores = estimate(market_file, out="link.csv")
    assert done.exit_code == 0, done.output
    assert (estimate.folder / "link.csv").is_symlink()
    assert scores == wanted
    pipe = estimate.folder / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = Thread(target=lambda: got.append(pipe.read_text("utf-8")))
    reader.start()
    marks, as_of = str(estimate.folder / "marks.csv"), AS_OF.isoformat()
    done = CliRunner().invoke(cli, ["estimate", marks, "--as-of", as_of, "--out", str(pipe)])
    reader.join(timeout=20)
    assert done.exit_code == 0, done.output
    assert pipe.is_fifo()
    assert got == [(estimate.folder / "scores.csv").read_text("utf-8")]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_what_is_interrupted_leaves_nothing_behind(estimate, market_file, monkeypatch, sign):
    pipe = estimate.folder / "pipe"
    os.mkfifo(pipe)  # nobody reads it: the command waits there with all its tables made

    def stop():
        while not list(estimate.folder.glob(".scores.csv.*")):
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), sign)

    before = signal.getsignal(signal.SIGTERM)
    rooms = estimate.folder / "rooms"
    rooms.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(rooms))
    Thread(target=stop).start()
    done, scores = estimate(market_file, "--severities", str(pipe))
    assert done.exit_code == 1  # click's CliRunner says so of an abort; the command itself ends with 130
    assert scores is None
    assert {one.name for one in estimate.folder.iterdir()} == {"marks.csv", "rooms", "pipe"}
    assert list(rooms.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("--frozen-severities", "", "given.csv 第 1 行：缺少列：reviewer、severity"),
        ("--frozen-severities", "reviewer,severity\nZ,2\nZ,3\n", "given.csv 第 3 行：“Z”出现了不止一次"),
        ("--frozen-severities", "reviewer,severity\nnobody here,much\n", "given.csv 第 2 行：严宽值“much”"),
        ("--frozen-severities", "reviewer,severity\nR000,1e300\n", "given.csv 第 2 行：严宽值“1e300”"),
        ("--frozen-severities", "reviewer,severity\nR000,nan\n", "given.csv 第 2 行：严宽值“nan”"),
        ("--frozen-severities", "reviewer,severity,consistency\nR000,1,0\n", "given.csv 第 2 行：一致性“0”"),
        ("--frozen-severities", "reviewer,severity\nR000\n", "given.csv 第 2 行：应有 2 列，实有 1 列"),
        ("--frozen-severities", "reviewer,severity\n甲,2\n".encode("gbk"), "given.csv 第 2 行：不是 UTF-8"),
        ("--previous", "agency,score\nA,1\n", "given.csv 第 1 行：缺少列：grade"),
        ("--previous", "agency,grade\n\nA,b\n", "given.csv 第 3 行：等级“b”"),
        ("--previous", "agency,grade\nA,B\nA,C\n", "given.csv 第 3 行：“A”出现了不止一次"),
        ("--previous", "agency,grade\nA\n", "given.csv 第 2 行：应有 2 列，实有 1 列"),
        ("--previous", b"PAR1\x00\x80\x81", "given.csv 第 1 行：不是 UTF-8"),
        ("--scheme", "agency,grade\n", "评级方案不能使用"),
        ("--scheme", "甲 = 1".encode("gbk"), "评级方案不能使用：UTF-8"),
    ],
)
def test_a_table_given_beside_the_marks_is_checked_as_strictly(estimate, market_file, flag, text, said):
    given = estimate.folder / "given.csv"
    given.write_bytes(text if isinstance(text, bytes) else text.encode())
    done, scores = estimate(market_file, flag, str(given))
    assert (done.exit_code, scores) == (1, None)
    assert said in done.output


def test_a_frozen_table_says_whom_it_does_not_know_and_other_columns_are_left_aside(estimate, market_file):
    given = estimate.folder / "given.csv"
    given.write_text("se,reviewer,severity,state\n1,R000,2.5,linked\n1,R001,-1,linked\n", "utf-8")
    done, _ = estimate(market_file, "--frozen-severities", str(given))
    assert done.exit_code == 0, done.output
    assert "58 位评审人不在给定的严宽表中" in done.output


def test_the_scores_of_one_day_are_the_previous_grades_of_the_next(estimate, market_file):
    _, first = estimate(market_file)
    done, second = estimate(market_file, "--previous", str(estimate.folder / "scores.csv"), out="next.csv")
    assert done.exit_code == 0, done.output
    assert {name: row["grade"] for name, row in second.items()} == {name: row["grade"] for name, row in first.items()}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scale", "0", "inf"), "--scale"),
        (("--scale", "nan", "5"), "--scale"),
        (("--scale", "-1e308", "1e308"), "--scale"),
        (("--as-of", "0002-01-01"), "--as-of"),
        (("--as-of", "2026-02-30"), "--as-of"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(estimate, market_file, options, said):
    done, scores = estimate(market_file, *options)
    assert (done.exit_code, scores) == (2, None)
    assert said in done.output


PEOPLE = {
    "agency": ["A"] * 6,
    "reviewer": [f"R{n}" for n in range(6)],
    "difficulty": ["k"] * 6,
    "date": [date(2026, 10, 1)] * 6,
    "mark": [80.0] * 6,
}


@pytest.fixture
def parquet(estimate):
    def run(name="marks.parquet", **columns):
        pq.write_table(pa.table(PEOPLE | columns), estimate.folder / name)
        return estimate(None, name=name)

    return run


@pytest.mark.parametrize(
    "columns",
    [
        {"mark": pa.array([80] * 6, pa.int8())},
        {"mark": pa.array([80] * 6, pa.decimal128(10, 2))},
        {"mark": ["80"] * 6},
        {"mark": pa.array([80.0] * 6).dictionary_encode()},
        {"date": ["2026-10-01"] * 6},
        {"date": pa.array(["2026-10-01T09:00"] * 6).cast(pa.timestamp("us"))},
        {"date": pa.array([datetime(2026, 9, 30, 20, tzinfo=UTC)] * 6, pa.timestamp("ns", "Asia/Shanghai"))},
        {"date": pa.array([date(2026, 10, 1)] * 6, pa.date64())},
        {"date": pa.array([date(2026, 10, 1)] * 6).dictionary_encode()},
        {"agency": pa.array(["A"] * 6, pa.large_string())},
        {"agency": pa.array([b"A"] * 6)},
        {"difficulty": pa.nulls(6), "stars": pa.nulls(6), "client": pa.nulls(6), "case": pa.nulls(6)},
        {"difficulty": pa.array([float("nan")] * 6), "stars": pa.array([float("nan")] * 6)},
        {"name": "marks.csv"},
        {"name": "marks"},
    ],
)
def test_parquet_of_other_types_says_the_same(parquet, columns):
    _, plain = parquet()
    done, scores = parquet(**columns)
    assert done.exit_code == 0, done.output
    assert scores["A"] == plain["A"]
    assert scores["A"]["n"] == "6"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"mark": pa.array([80.0] * 5 + [None])}, "第 6 行：分数“”不是数"),
        ({"mark": [80.0] * 5 + [float("nan")]}, "第 6 行：分数“nan”不是数"),
        ({"mark": [80.0] * 5 + [float("inf")]}, "第 6 行：分数“inf”不是数"),
        ({"mark": [True] * 6}, "第 1 行：分数“true”不是数"),
        ({"date": [20261001] * 6}, "第 1 行：日期“20261001”"),
        ({"date": pa.nulls(6)}, "第 1 行：日期“”"),
        ({"agency": [["A"]] * 6}, "列 agency 的类型 list<"),
        ({"agency": pa.array([b"\xff"] * 6)}, "列 agency 的类型 binary"),
    ],
)
def test_parquet_that_holds_no_marks_is_refused(parquet, columns, said):
    done, scores = parquet(**columns)
    assert (done.exit_code, scores) == (1, None)
    assert said in done.output


def test_parquet_cut_off_or_spoilt_is_refused(parquet, estimate):
    parquet()
    whole = (estimate.folder / "marks.parquet").read_bytes()
    (estimate.folder / "scores.csv").unlink()
    spoilt = whole[:60] + bytes(250) + whole[310:]
    for body in (whole[:-300], spoilt):
        done, scores = estimate(body, name="marks.parquet")
        assert (done.exit_code, scores) == (1, None)
        assert "Parquet" in done.output
