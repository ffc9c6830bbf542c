"""Personal data: what is taken out of texts before others see them, and where a person's data lies when it must go."""
