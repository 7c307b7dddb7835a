"""The figures as the README shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from benchmarks.bids import BidFigure
from benchmarks.machine import description, strain
from benchmarks.pages import PageFigure
from benchmarks.playing import BUDGET_SECONDS, DemoFigure
from benchmarks.starting import StartFigure
from benchmarks.turns import Ratio, ratio_line


class Chapter(Protocol):
    """A part of the sitting that writes its own rows and notes."""

    def lines(self) -> list[str]:
        """Rows of the table."""

    def notes(self) -> list[str]:
        """Lines below it."""

    def ratios(self) -> list[Ratio]:
        """What was compared in turns, with its control."""


HEAD = ("| what | ours | peer | ours ÷ peer, speed | 80 % interval | control A/A |", "|---|---|---|---|---|---|")


def sitting(postgres: str, rows: Iterable[str], notes: Iterable[str], ratios: Iterable[Ratio]) -> str:
    """A block of the README: when and on what, the table, what each was measured against, whether to believe it."""
    unsound = [one for one in ratios if not one.sound]
    busy = f"- **{len(unsound)} control(s) outside 0.95–1.05: the machine was busy, repeat the sitting.**"
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {description(postgres)}; {strain()}.",
        "",
        *HEAD,
        *rows,
        "",
        *notes,
        *([busy] if unsound else []),
    ]
    return "\n".join(lines) + "\n"


def chapters_as_markdown(postgres: str, chapters: Sequence[Chapter]) -> str:
    """The block of the chapters that write their own rows."""
    return sitting(
        postgres,
        [line for one in chapters for line in one.lines()],
        [note for one in chapters for note in one.notes()],
        [ratio for one in chapters for ratio in one.ratios()],
    )


@dataclass(frozen=True)
class Figures:
    """Everything of one sitting."""

    postgres: str
    lists: list[PageFigure]
    bid: BidFigure
    start: StartFigure
    demo: DemoFigure

    def as_markdown(self) -> str:
        """A table of ratios, and below it what each was measured against."""
        rows = [
            *(ratio_line(f"{one.name} ({one.size / 1024:.0f} kB)", one.ratio) for one in self.lists),
            ratio_line(f"a sealed bid ({self.bid.statements} statements)", self.bid.ratio),
            self._start_line(),
            self._demo_line(),
        ]
        return sitting(self.postgres, rows, self._notes(), [*(one.ratio for one in self.lists), self.bid.ratio])

    def _start_line(self) -> str:
        one = self.start
        return f"| second start | {one.second:.2f} s | {one.bare:.2f} s | {one.bare / one.second:.2f} | – | – |"

    def _demo_line(self) -> str:
        one = self.demo
        return (
            f"| demo market, {one.report.months} months, {one.report.scale} | {one.seconds:.0f} s |"
            f" {BUDGET_SECONDS:.0f} s | {BUDGET_SECONDS / one.seconds:.2f} | – | – |"
        )

    def _notes(self) -> list[str]:
        report = self.demo.report
        notes = [f"- {one.name}: {one.cpu_ms:.2f} ms of processor per request." for one in self.lists if one.cpu_ms]
        notes += [
            f"- Sealing alone (X25519 sealed box and digest), work the peer does not do: {self.bid.sealing_ms:.2f} ms.",
            f"- First start, which creates the database: {self.start.first:.1f} s.",
            f"- Demo market: {report.entries} trail entries from {report.notices} notices, {report.bids} bids,"
            f" {report.contracts} contracts, {report.reviews} reviews; {self.demo.entries:.0f} entries a second beside"
            f" {self.demo.commits:.0f} bare one-insert commits a second; {self.demo.cpu:.0f} s of our own processor time.",
        ]
        return notes
