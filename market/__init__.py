"""From need to award: catalogue, projects, notices, sealed bids, opening, selection, award.

Life-cycle of a notice: drafted → published (bids arrive sealed) → opened → selected (result on
display) → awarded, or withdrawn, failed, cancelled; a failed notice may be posted again.

Terms: 服务事项 service item, 项目 project, 采购公告 notice, 密封报价 sealed bid, 开启 opening,
选取 selection, 中选 award, 公示期 notice period, 抽取承诺 draw commitment.
"""
