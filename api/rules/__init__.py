"""Rules in force, in memory; reading and replacing them."""
