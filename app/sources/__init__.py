"""Lists out of somebody's own database: read by a schedule, or lived with."""
