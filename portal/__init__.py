"""The front doors: home, search, desk, the pages that explain the rules, and the demo market.

Knows every package and is known by none. It keeps no tables of its own: what it shows is read from
the packages, what it changes goes through their services.

Terms: desk 我的事项, door 入口, grade mix 等级分布.
"""
