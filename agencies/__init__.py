"""Who may serve: the dossiers of agencies (中介机构), their filings (从业备案) and the grade on record.

A filing lives DRAFT → SUBMITTED → (RETURNED →) NOTICED → RECORDED; objections lead through OBJECTED.
Words: qualification 资质, practitioner 从业人员, independence declaration 独立性声明, public notice
period 公示期, commitment 服务承诺, affiliation 关联关系, standing 某日在册状况与等级.
"""
