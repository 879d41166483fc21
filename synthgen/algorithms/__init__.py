"""One file per GAN: which networks, which tensors, who minimises what, when."""
