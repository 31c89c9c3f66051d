"""What happens: the verbs. Plain functions, one module for each noun."""
