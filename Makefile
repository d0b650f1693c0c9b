# DeepLabV3+ from data to colored masks, and classifiers. `make help` lists the targets and their variables.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PEERS_VENV := .venv-peers
PEERS := scripts/benchmarks/peers

# Variables of the targets; give them on the command line: make tfrecords DATASET=camvid DATA_DIR=...
DATASET ?=
DATA_DIR ?=
TFRECORDS ?=
LOGDIR ?=
CHECKPOINT ?=
MODEL ?=
PICTURES ?=
OUTPUT ?=
CONTENT ?=
STYLE ?=
WEIGHTS ?=
PORT ?=
JOBS ?= 2
ARGS ?=

# A variable's value for the shell, as it was given: with its spaces, quotes and dollar signs.
quoted = '$(subst ','\'',$(value $(1)))'

# --name=value where the variable has a value.
flag = $(if $(strip $(value $(2))),--$(1)=$(call quoted,$(2)))

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-beam setup-openvino setup-litert setup-onnx setup-geo setup-parquet setup-mlflow setup-wandb setup-lbfgs setup-gpu setup-serve demo \
	classification-demo captioning-demo style-demo tfrecords check-dataset tiles train eval vis report export infer serve stylize tensorboard lint format \
	test test-all lock bench \
	bench-peers-setup bench-peers-lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  Variables: DATASET DATA_DIR TFRECORDS LOGDIR CHECKPOINT MODEL PICTURES OUTPUT PORT JOBS, and ARGS'
	@echo "  for any further flags: make train ARGS='--train_batch_size=4 --num_clones=2'."
	@echo '  Each command explains its flags with --help and --helpfull: $(RUN) train.py --help'

setup: $(VENV)/.installed  ## Install what the project needs into .venv

setup-dev: $(VENV)/.installed-dev

setup-beam: $(VENV)/.installed-beam  ## Also install Apache Beam, for conversions on many machines

$(VENV)/.installed: requirements/base.lock | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements/base.lock
	@touch $@

$(VENV)/.installed-dev: requirements/dev.lock | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements/dev.lock
	@touch $(VENV)/.installed $@

$(VENV)/.installed-beam: requirements/beam.lock | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements/beam.lock
	@touch $(VENV)/.installed $@

setup-openvino: requirements/openvino.lock setup  ## Also install the engine OpenVINO, and NNCF for 8 bits
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-litert: requirements/litert.lock setup  ## Also install the engine LiteRT
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-onnx: requirements/onnx.lock setup  ## Also install what ONNX files take, and ONNX Runtime
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-geo: requirements/geo.lock setup  ## Also install rasterio: GeoTIFFs keep their georeference
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-parquet: requirements/parquet.lock setup  ## Also install pyarrow: datasets in parquet files
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-mlflow: requirements/mlflow.lock setup  ## Also install MLflow, for train.py --track=mlflow
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-wandb: requirements/wandb.lock setup  ## Also install the client of Weights & Biases, for train.py --track=wandb
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-lbfgs: requirements/lbfgs.lock setup  ## Also install SciPy, for style transfer with L-BFGS
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<

setup-gpu: requirements/gpu.lock setup  ## Also install CUDA and cuDNN, for NVIDIA GPUs: several GB
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<
	@$(RUN) -c 'import tensorflow as tf; found = tf.config.list_physical_devices("GPU"); \
	    print(f"TensorFlow sees {len(found)} GPUs", *(each.name for each in found))'

setup-serve: $(VENV)/.installed-serve  ## Also install what make serve needs

$(VENV)/.installed-serve: requirements/serve.lock | setup
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 10) <= v <= (3, 13) and \
	    f"Python 3.10 to 3.13 is needed, and $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

demo: setup  ## Everything on images the project draws: records, training, scores, export, masks
	@$(RUN) -m scripts.demo $(ARGS)

classification-demo: setup  ## A classifier of images the project draws, in about two minutes
	@$(RUN) -m scripts.classification_demo $(ARGS)

captioning-demo: setup  ## Captions for images the project draws, in about three minutes
	@$(RUN) -m scripts.captioning_demo $(ARGS)

style-demo: setup  ## Drawn images painted in drawn styles, in about two minutes
	@$(RUN) -m scripts.style_demo $(call flag,weights,WEIGHTS) $(ARGS)

tfrecords: setup  ## Turn images with masks, classes or captions into TFRecords: DATASET=... DATA_DIR=...; without, the demo
	@$(RUN) -m datasets.build_tfrecords $(call flag,dataset,DATASET) \
	  $(call flag,data_dir,DATA_DIR) $(call flag,output_dir,TFRECORDS) $(ARGS)

check-dataset: setup  ## Report what is wrong with images and their masks, classes or captions: DATASET=... DATA_DIR=my_images
	@$(RUN) -m datasets.build_tfrecords --check_only $(call flag,dataset,DATASET) \
	  $(call flag,data_dir,DATA_DIR) $(ARGS)

tiles: setup  ## Cut large images and their masks into tiles, for make tfrecords: DATA_DIR=scenes
	@$(RUN) -m datasets.cut_tiles $(call flag,dataset,DATASET) $(call flag,data_dir,DATA_DIR) \
	  $(call flag,output_dir,OUTPUT) $(ARGS)

train: setup  ## Train on the last dataset built, or on TFRECORDS=...
	@$(RUN) train.py $(call flag,dataset_dir,TFRECORDS) $(call flag,train_logdir,LOGDIR) $(ARGS)

eval: setup  ## Score the newest training run, or LOGDIR=..., once
	@$(RUN) eval.py --max_number_of_evaluations=1 $(call flag,dataset_dir,TFRECORDS) \
	  $(call flag,checkpoint_dir,LOGDIR) $(ARGS)

vis: setup  ## Draw what the newest training run, or LOGDIR=..., predicts of the validation split
	@$(RUN) vis.py --max_number_of_iterations=1 $(call flag,dataset_dir,TFRECORDS) \
	  $(call flag,checkpoint_dir,LOGDIR) $(ARGS)

report: setup  ## Write a page about the newest training run, or LOGDIR=...: report/report.html
	@$(RUN) report.py $(call flag,dataset_dir,TFRECORDS) $(call flag,checkpoint_dir,LOGDIR) $(ARGS)

export: setup  ## Freeze the best checkpoint, or that of LOGDIR=..., or CHECKPOINT=..., into a .pb
	@$(RUN) export_model.py \
	  $(or $(call flag,checkpoint_path,CHECKPOINT),$(call flag,checkpoint_path,LOGDIR)) \
	  $(call flag,export_path,MODEL) $(ARGS)

# PICTURES is one path, or several as the shell takes them: names with spaces in quotes then. A
# forgotten one is told before `setup`, which installs for minutes.
infer: $(if $(strip $(value PICTURES)),setup,no-images)  ## Write colored masks, or tell classes or captions: PICTURES='photo.jpg folder/' MODEL=... OUTPUT=...
	@whole=$(call quoted,PICTURES); case $$whole in "~/"*) whole=$$HOME/$${whole#??};; esac; \
	  if test -e "$$whole"; then set -- "$$whole"; elif (eval "set -- "$(call quoted,PICTURES)) 2>/dev/null; then \
	    eval "set -- "$(call quoted,PICTURES); else \
	    echo "error: PICTURES: put names with spaces, brackets or apostrophes in double quotes" >&2; \
	    exit 2; fi; \
	  $(RUN) infer.py "$$@" $(call flag,model,MODEL) $(call flag,output,OUTPUT) $(ARGS)

.PHONY: no-images
no-images:
	@echo "error: which images? make infer PICTURES='photo.jpg folder/ \"my photo.jpg\"'" >&2; exit 2

serve: setup-serve  ## Answer over HTTP, with a page: MODEL=... PORT=8000
	@$(RUN) serve.py $(call flag,model,MODEL) $(call flag,port,PORT) $(ARGS)

# CONTENT and STYLE are paths; quotes keep names with spaces whole.
stylize: setup  ## Paint an image in the style of another: CONTENT=photo.jpg STYLE=painting.jpg OUTPUT=... WEIGHTS=...
	@$(RUN) -m style_transfer.stylize $(call flag,content,CONTENT) $(call flag,style,STYLE) \
	  $(call flag,output,OUTPUT) $(call flag,weights,WEIGHTS) $(ARGS)

tensorboard: setup  ## Show curves and images of all training runs
	@$(RUN) -m tensorboard.main $(or $(call flag,logdir,LOGDIR),--logdir=runs) $(ARGS)

lint: setup-dev  ## Check style and types
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m mypy .

format: setup-dev  ## Fix style
	@$(RUN) -m ruff check --fix . ; $(RUN) -m ruff format .

# A file's tests stay in one process, for what they share. Long ones begin: see tests/conftest.py.
PARALLEL = --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder

test: setup-dev  ## Run the fast tests, in JOBS processes (2)
	@$(RUN) -m pytest -m "not slow" $(PARALLEL) $(ARGS)

test-all: setup-dev setup-litert setup-onnx setup-openvino setup-geo setup-parquet  ## Run every test, slow ones and those of all engines
	@$(RUN) -m pytest $(PARALLEL) $(ARGS)

lock: pyproject.toml  ## Pin the newest allowed versions again (needs uv)
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  pyproject.toml -o requirements/base.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --group dev pyproject.toml -o requirements/dev.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --extra beam pyproject.toml -o requirements/beam.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --extra openvino pyproject.toml -o requirements/openvino.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --extra litert pyproject.toml -o requirements/litert.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --extra geo pyproject.toml -o requirements/geo.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --extra parquet pyproject.toml -o requirements/parquet.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --extra gpu pyproject.toml -o requirements/gpu.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --extra onnx pyproject.toml -o requirements/onnx.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --extra mlflow pyproject.toml -o requirements/mlflow.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --extra wandb pyproject.toml -o requirements/wandb.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --extra lbfgs pyproject.toml -o requirements/lbfgs.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --group serve -o requirements/serve.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --upgrade \
	  --constraints requirements/base.lock --group serving -o requirements/serving.lock

bench: setup  ## Measure speed and memory beside the peers, into docs/benchmarks.md: an hour
	@$(RUN) -m scripts.benchmarks.run $(ARGS)

bench-peers-setup: $(PEERS_VENV)/.installed  ## Install what make bench compares us with

$(PEERS_VENV)/.installed: $(PEERS)/requirements.lock $(PEERS)/torch.txt
	$(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  -r $(PEERS)/torch.txt $(ARGS)
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --require-hashes -r $(PEERS)/requirements.lock
	@touch $@

bench-peers-lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --quiet --upgrade \
	  --override $(PEERS)/overrides.txt --no-emit-package torch \
	  --custom-compile-command 'make bench-peers-lock' \
	  $(PEERS)/requirements.in -o $(PEERS)/requirements.lock

clean:  ## Remove .venv, .venv-peers and caches; data/, runs/ and masks/ are kept
	rm -rf $(VENV) $(PEERS_VENV) .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
