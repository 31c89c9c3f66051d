"""What comes back: a message from outside, examined in a process of its own, told as a report."""
