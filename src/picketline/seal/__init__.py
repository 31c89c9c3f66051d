"""What secrecy is: sealed boxes, locked boxes, link tokens, blind indexes, the key folder."""
