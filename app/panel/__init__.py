"""The doors: sign-in, the REST interface, the live page."""
