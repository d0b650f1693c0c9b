"""How many steps an epoch is, for training and for what is said about flags."""


def count_steps(num_images: int, images_per_step: int) -> int:
    """Returns the steps that come closest to seeing each image once; 1 at least."""
    return max(1, round(num_images / max(1, images_per_step)))
