"""Outring: an outbound-campaign dialer that lives beside Asterisk."""
