"""Who owes whom, and whether it has arrived. Knows nothing of bids or contracts.

A payable (应付款) lives DUE → VOUCHERED → CONFIRMED; the payee may contest a voucher (CONTESTED), the
floor above may cancel. Words: voucher 转账凭证, bank reference 银行流水号, payer 付款方, payee 收款方.
"""
