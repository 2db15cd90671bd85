"""What the chat platforms say and want to hear. Pure: bytes and facts in, facts and bytes out."""
