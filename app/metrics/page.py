"""docs/metrics.md, written from the table: `python -m app.metrics.page > docs/metrics.md`."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from app.metrics.table import MAX_CAMPAIGNS, MAX_TRUNKS, METRICS, OF_THE_PROCESS, Metric

_HEAD: Final = f"""# Metrics

`GET /metrics` answers in Prometheus' format (OpenMetrics where the asker understands it). It is for supervisors and
admins: an API key (`outring apikey`), a browser that is signed in, or the token of the setting `metrics_token`, which
opens nothing else and is taken while the database is away too:

```toml
metrics_token = "what `openssl rand -hex 24` prints"
```

```yaml
scrape_configs:
  - job_name: outring
    authorization: {{credentials_file: /etc/prometheus/outring-token}}
    static_configs: [{{targets: ["127.0.0.1:8080"]}}]
```

With `metrics_access = "open"` nobody is asked: for a network of which you know every member. Behind a reverse proxy,
everybody it lets through is such a member. No number, name of a person or agent is in any figure; campaigns and trunks
are, by number and name.

Ready to use: the dashboard [deploy/grafana/outring.json](../deploy/grafana/outring.json) (Grafana: *Dashboards → New →
Import*) and the alerts [deploy/prometheus/outring-alerts.yml](../deploy/prometheus/outring-alerts.yml) (Prometheus:
`rule_files`).

A scrape costs one picture of the dialer; between scrapes nothing is computed but a few additions a call. At most
{MAX_CAMPAIGNS} campaigns (running ones first) and {MAX_TRUNKS} trunks are told one by one; calls of others are summed
up under `others`. Counters begin at nought when the program does. This page is written from the table in
`app/metrics/table.py`.
"""


def metrics_page() -> str:
    """The whole page."""
    return _HEAD + "".join(_group(name, list(rows)) for name, rows in groupby(METRICS, lambda one: one.group)) + _foot()


def _group(name: str, rows: list[Metric]) -> str:
    lines = [f"| `{one.name}` | {one.kind.value} | {_labels(one)} | {one.meaning} |\n" for one in rows]
    return f"\n## {name}\n\n| name | kind | labels | meaning |\n|---|---|---|---|\n" + "".join(lines)


def _labels(metric: Metric) -> str:
    return ", ".join(f"`{label}`" for label in metric.labels) or "–"


def _foot() -> str:
    names = ", ".join(f"`{name}`" for name in OF_THE_PROCESS)
    return f"\n## The process\n\nMemory, CPU and open files as Linux tells them: {names}.\n"


if __name__ == "__main__":
    print(metrics_page(), end="")
