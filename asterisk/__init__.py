"""What stands beside the program: files for the admin's Asterisk (conf) and a private laboratory of two (lab)."""
