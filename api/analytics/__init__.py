"""Module 7: KPIs, trends, costs and the weekly friction report, answered from the published warehouse."""
