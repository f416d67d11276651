"""Pure machines that decide every call: no clock, no disk, no network.

`Dialer` takes events and gives commands. It routes between a `CampaignRun` (who wants how many calls), `TrunkLine`s
(who may carry one more), and an `AttemptRun` for each contact being dialed, which owns the `Call` and the flow's
session.
"""
