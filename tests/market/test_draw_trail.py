"""`xinshi draw verify --trail` on exports that the product wrote: a draw, and the trail of the market it was made in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core import clock, db, trail
from core.identity import Role
from core.trail.cli import cli as trail_cli
from core.trail.export import export
from market import services
from market.cli import draw as cli
from market.queries.notices import opening_of
from market.rules.draw import commit_to
from market.rules.notices import SelectionMethod
from tests.factories import core as make
from tests.factories.market import MadeNotice, bid, make_notice, make_surveyors

pytestmark = pytest.mark.anyio
SOURCE, VALUE = "彩票第 2026138 期晚间开奖", "07 11 12 23 30 31 + 05"


async def drawn(method: SelectionMethod, price: str = "30000.00") -> tuple[MadeNotice, dict[str, Any]]:
    """A notice with three bids, drawn after an outside value was recorded; its draw file."""
    made = await make_notice(method=method, outside_source=SOURCE)
    for place, agency in enumerate(await make_surveyors(3)):
        await bid(agency, made, price if method is SelectionMethod.RANDOM_DRAW else f"{24000 + 500 * place}.00")
    await trail.publish()
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
        supervisor = await make.member(Role.MARKET_SUPERVISOR)
        await services.record_outside_value(supervisor, notice_id=made.notice_id, value=VALUE, where="开奖公告网页")
        await services.select_winner(made.notice_id)
    opening = await opening_of(made.notice_id)
    assert opening is not None
    assert opening.draw is not None
    return made, dict(opening.draw)


def said(folder: Path, file: Mapping[str, Any], exported: Path) -> tuple[int, str]:
    """Exit code and words of the command."""
    path = folder / "draw.json"
    path.write_text(json.dumps(file, ensure_ascii=False), "utf-8")
    done = CliRunner().invoke(cli, ["verify", str(path), "--trail", str(exported)])
    return done.exit_code, done.output


@pytest.mark.parametrize("full", [False, True], ids=["for everybody", "in full"])
@pytest.mark.parametrize("method", [SelectionMethod.RANDOM_DRAW, SelectionMethod.AVERAGE_PRICE])
async def test_a_draw_agrees_with_the_trail_it_was_made_on(
    committed_db: str, web_app: object, tmp_path: Path, method: SelectionMethod, full: bool
) -> None:
    _, file = await drawn(method)
    _, other = await drawn(method)
    assert file["checkpoint"]["size"] > 0
    assert file["outside"] == {"source": SOURCE, "value": VALUE}
    await trail.publish()
    exported = tmp_path / "trail.jsonl"
    await export(exported, full=full)
    code, words = said(tmp_path, file, exported)
    assert code == 0, words
    assert "与留痕记录一致" in words or "agrees with the trail" in words
    assert said(tmp_path, other, exported)[0] == 0, "every notice is compared with its own entries"
    assert CliRunner().invoke(trail_cli, ["verify", str(exported)]).exit_code == 0


async def test_a_draw_made_up_afterwards_is_found_out(committed_db: str, web_app: object, tmp_path: Path) -> None:
    """Files that recompute exactly, from inputs that are not those of the trail."""
    from market.rules.draw import Checkpoint, DrawInputs, Envelope, Ground, Outside, draw_order
    from market.rules.draw_check import check_draw

    _, file = await drawn(SelectionMethod.RANDOM_DRAW)
    await trail.publish()
    exported = tmp_path / "trail.jsonl"
    await export(exported, full=False)
    record = check_draw(file)
    inputs, ground = record.inputs, record.inputs.ground

    def again(**changes: Any) -> dict[str, Any]:
        new = {"secret": inputs.secret, "ground": ground, "lots": dict(record.lots)} | changes
        made = DrawInputs(
            inputs.notice_number, new["secret"], commit_to(new["secret"]), inputs.envelopes_digest, new["ground"]
        )
        found = draw_order(made, new["lots"]).as_json()
        check_draw(json.loads(json.dumps(found)))
        return found

    def with_ground(**changes: Any) -> Ground:
        whole = {"envelopes": ground.envelopes, "checkpoint": ground.checkpoint, "outside": ground.outside} | changes
        return Ground(**whole)

    first = Envelope(ground.envelopes[0].digest, "ab" * 32)
    forged = {
        "commitment": again(secret="77" * 32),
        "contributions_sha256": again(ground=with_ground(envelopes=(first, *ground.envelopes[1:]))),
        "lots_sha256": again(lots=dict(record.lots) | {record.candidates[0]: 9}),
        "candidates_sha256": again(lots=dict(record.lots[1:])),
        "checkpoint": again(ground=with_ground(checkpoint=Checkpoint(1, "ab" * 32))),
        "outside value": again(ground=with_ground(outside=Outside(SOURCE, "01 02 03"))),
    }
    assert said(tmp_path, again(), exported)[0] == 0
    for what, one in forged.items():
        code, words = said(tmp_path, one, exported)
        assert code == 1, what
        assert what in words or what == "commitment", words


async def test_a_trail_that_knows_nothing_of_the_notice_proves_nothing(
    committed_db: str, web_app: object, tmp_path: Path
) -> None:
    _, file = await drawn(SelectionMethod.RANDOM_DRAW)
    await trail.publish()
    exported = tmp_path / "trail.jsonl"
    await export(exported, full=False)
    lines = exported.read_text("utf-8").splitlines()
    opened = await db.value("select id from core_trail_entry where act = 'notice.opened'")
    kept = [line for line in lines if "notice.opened" not in line]
    assert opened
    assert len(kept) == len(lines) - 1
    exported.write_text("\n".join(kept), "utf-8")
    assert said(tmp_path, file, exported)[0] == 1
    exported.write_text("not a trail", "utf-8")
    assert said(tmp_path, file, exported)[0] == 2
