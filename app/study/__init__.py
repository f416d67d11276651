"""The study of pacing: one floor of agents in virtual time, events exact, many days in a minute."""
