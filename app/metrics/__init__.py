"""Figures for Prometheus: what there is (`table`), how it is gathered at a scrape (`collector`), its page (`page`).

Nothing is computed between scrapes: counts come from the shell's meter, the rest from one picture of the dialer.
"""
