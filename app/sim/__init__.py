"""A simulated telephone network: virtual time, the laboratory's behaviours by number, faults, a checker on the wire."""
