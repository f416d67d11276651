"""Call strategies: after which outcome a contact is called again, when, and on which of its phones.

Pure. A strategy is a file (`load`) of rows (`rows`); what follows from an attempt is chosen from it (`choose`).
"""
