"""Everything that speaks to an Asterisk: the ARI client and, above it, the Telephony made of it."""
