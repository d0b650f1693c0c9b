"""Where the records of datasets lie, and the file that describes them."""

import os

# Folder of the folders of records.
DATASETS_ROOT = os.path.join("data", "tfrecords")
# Beside the shards of a dataset.
DATASET_FILE = "dataset.json"
