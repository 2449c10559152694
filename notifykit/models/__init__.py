"""What flows through the pipeline: frozen models that show no number and no text in their ``repr``."""
