"""What the server of `command_runs` imports: packages that commands take long to import.

None of the project's own modules, so that a command imports them as it does for users, and nothing
that starts a thread: a fork keeps only the one that calls it.
"""

# ruff: noqa: F401
import concurrent.futures.thread

import cv2
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import PIL.ImageOps
import tensorflow.compat.v1
import tf_slim.nets
import tqdm

PIL.Image.init()  # The formats.
