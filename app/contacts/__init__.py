"""Lists: people's sheets become contacts, row by row, with a reason for each row that does not."""
