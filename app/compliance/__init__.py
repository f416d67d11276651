"""Whether a call may be made, by law: profiles are data, each "no" says why, by which source, and until when.

    verdicts = judge(profiles(["uk"]), Callee(number=number("+447700900123")), history=(), instant_ms=now)

`law` asks many profiles as one and remembers what it worked out; `library` alone reads files. Claiming, dialing by hand
and callbacks ask here (app.store.law); what is enforced and what is not is in docs/compliance.md.
"""
