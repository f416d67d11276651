"""The disk: tables, migrations and named queries, on SQLite or PostgreSQL."""
