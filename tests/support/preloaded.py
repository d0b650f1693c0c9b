"""What the server of `command_runs` imports: packages that commands take long to import.

None of the project's own modules, so that a command imports them as it does for users, and nothing
that starts a thread: a fork keeps only the one that calls it.
"""

import concurrent.futures.thread  # noqa: F401

import cv2  # noqa: F401
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import PIL.ImageOps
import tqdm  # noqa: F401

PIL.Image.init()  # The formats.
