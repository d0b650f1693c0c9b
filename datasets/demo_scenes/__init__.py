"""Draws the demo's scenes: a small town by the water, each image with its mask."""
