"""What assets work with: the Dagster instance on disk, the workshop of a run, and runs whose process died."""
