"""The flow of campaigns that dial for their agents: who answers is connected at once, without a word before."""

from __future__ import annotations

from typing import Final

CONNECT_NAME: Final = "Connect to an agent"
CONNECT_SOURCE: Final = """\
# Whoever answers is connected with an agent at once.
name: Connect to an agent
language: en
start: agent

nodes:
  agent:
    type: agents
"""
"""For campaigns that dial for agents, in every mode; the source of a flow like any other."""
