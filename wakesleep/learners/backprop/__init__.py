"""Networks trained by backpropagation: the baseline that the local rules are compared with."""
