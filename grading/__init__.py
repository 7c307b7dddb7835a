"""Grading 信用评价: from evidence to a published credit grade, one per agency and profession.

Life of a grade report 评级报告: draft 征求意见 → (commented 已反馈) → published 已公布 → superseded 已被取代.
Life of a conduct finding 不良行为记分: proposed 拟记分 → upheld 已认定 / not upheld 未认定; upheld ones lapse by date.

Terms: CreditGrade 信用等级, GradingScheme 评级方案, Calibration 修正表, GradeRun 评级批次, GradeReport 评级报告,
ConductPoint 不良行为记分, DirectD 直接定为 D 级, Certificate 等级证书.
"""
