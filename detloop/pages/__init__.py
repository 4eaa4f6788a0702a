"""What the HTML pages share: their look, charts as inline SVG, images with boxes drawn on them.

A page is one file that opens without a network, of at most 5 MB.
"""
