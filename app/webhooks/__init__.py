"""Webhooks on their way: signed, posted, tried again, given up. What is told and to whom is the store's to know."""
