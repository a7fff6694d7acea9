# All the work is done by tools/make.py; without make, run `python3 tools/make.py book`.
export PY FRESH UPGRADE UNITS NUMBER SEED
PYTHON := $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,$(shell command -v $(p))))

.PHONY: help book test chapters bench lab handouts slides questions pdf lock newest clean
help: ## list what make can do
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18
book: ## set up .venv and build the book into _build/html (FRESH=1: run every chapter)
test: ## run every check: lint, types, tests, the strict book, every chapter, the pages in a browser
chapters: ## run the chapters that are out of date and store their outputs (FRESH=1: all)
bench: ## time the kernels against what a reader would otherwise use
lab: ## open the chapters in JupyterLab
handouts: ## write notebooks without solutions, with room for answers, into _build/handouts
slides: ## write slides from the chapters into _build/slides
questions: ## write questions for students and teachers into _build/questions (UNITS=1-3,7 NUMBER=2 SEED=5)
pdf: ## print the whole book into _build/book.pdf
lock: ## renew requirements.lock and environment.yml from pyproject.toml (UPGRADE=1: newest versions)
newest: ## build the book with the newest Sphinx, as an early warning
clean: ## remove what was built; .venv and stored outputs stay
	rm -rf _build

book test chapters bench lab handouts slides questions pdf lock newest:
	@$(or $(PYTHON),$(error Python 3.11 or newer is needed and no python3 was found)) tools/make.py $@
