"""`outring doctor`: what an Asterisk and its settings lack before Outring can call, and how to mend it.

Each check is a real one, made on the running Asterisk without placing a call::

    async for finding in examine(settings, trunks=trunks):
        print(finding)
    report = await reported(examine(settings))  # the same for machines: report.is_healthy, report.document()
"""

from app.doctor.examination import examine, reported
from app.doctor.finding import Finding, Report, Step

__all__ = ["Finding", "Report", "Step", "examine", "reported"]
