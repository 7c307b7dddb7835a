"""A fee is paid by bank transfer with a voucher, and the payee confirms that it arrived."""

import random

from core import clock
from core.clock import shanghai
from payments import services
from payments.services import VoucherDraft
from portal.demo import papers, words
from portal.demo.market import DemoMarket, Job
from portal.demo.stage import Process


async def is_paid(market: DemoMarket, job: Job, payable_id: int) -> Process:
    """Most pay within ten working days; now and then a transfer does not arrive at first."""
    stream, diary = market.chance("payment", job.number, payable_id), market.diary
    late = stream.random() < 0.12
    days = stream.randint(11, 25) if late else stream.randint(1, 9)
    yield (now := market.turn(job.buyer.identity, diary.later(clock.now(), days, stream)))
    await services.submit_voucher(actor=job.buyer.identity, payable_id=payable_id, draft=_voucher(job, stream))
    yield (now := market.turn(job.player.identity, diary.later(now, stream.randint(1, 4), stream)))
    if stream.random() < 0.02:
        await services.contest(actor=job.player.identity, payable_id=payable_id, reason=words.CONTEST)
        yield (now := diary.later(now, 2, stream))
        await services.submit_voucher(actor=job.buyer.identity, payable_id=payable_id, draft=_voucher(job, stream))
        yield diary.later(now, 2, stream)
    await services.confirm_receipt(actor=job.player.identity, payable_id=payable_id)


def _voucher(job: Job, stream: random.Random) -> VoucherDraft:
    today = shanghai(clock.now()).date()
    reference = f"YS{today:%Y%m%d}{job.number:05d}{stream.randint(100, 999)}"
    lines = [
        f"付款人：{job.buyer.client.name_zh}",
        f"收款人：{job.player.agency.name_zh}",
        f"用途：{job.title}{job.item.name_zh}",
        f"交易日期：{today.isoformat()}　流水号：{reference}",
        "本回单为演示市场生成，没有发生真实付款。",
    ]
    return VoucherDraft(reference, today, papers.scan("银行电子回单", lines))
