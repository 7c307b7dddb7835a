"""What the acts of payments are called on the trail."""

from core.i18n import N_

TRAIL_TITLES: dict[str, str] = {
    "payable.created": N_("产生应付款"),
    "payable.vouchered": N_("付款方登记凭证"),
    "payable.contested": N_("收款方提出未到账"),
    "payable.confirmed": N_("收款方确认收款"),
    "payable.cancelled": N_("取消应付款"),
    "payable.captured": N_("在线支付到账"),
    "payable.paid-out": N_("划付收款方"),
    "payable.released": N_("保证金解除"),
    "payable.held": N_("暂停支付"),
    "payable.unheld": N_("解除暂停支付"),
    "payable.invoiced": N_("发票登记"),
    "bundle.vouchered": N_("付款方合并付款"),
    "bundle.started": N_("开始合并在线支付"),
    "bundle.given-up": N_("放弃合并在线支付"),
    "statement.imported": N_("导入银行明细"),
    "statement.matched": N_("确认对账结果"),
    "ledger.opened": N_("补登账本"),
}
