"""Forward-Forward networks (Hinton 2022, arXiv 2212.13345): local, closed-form, no autograd."""
