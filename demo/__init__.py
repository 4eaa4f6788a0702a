"""The demo: the whole loop on a real film, with a real pre-trained detector."""
