"""The demo: its stage, and the mailbox that everything it sends arrives in."""
