"""Draws the demo's scenes: a small town by the water, each picture with its mask."""
