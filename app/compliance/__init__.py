"""Whether a call may be made, by law: profiles are data, each "no" says why, by which source, and until when.

    verdicts = judge(profiles(["uk"]), Callee(number=number("+447700900123")), history=(), instant_ms=now)

Pure but for `library`, which reads the packaged profiles. Nothing here is wired into dialing yet: docs/compliance.md.
"""
