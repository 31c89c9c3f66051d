"""What comes in: which address of ours it came to, how it is kept, and what it turns out to be."""
