"""What docs/benchmarks.md says about speed, runnable: ours beside a limit, in the same run."""
