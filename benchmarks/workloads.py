"""What is resolved: real requirements that are usual, and real requirements that have hurt.

All are resolved from wheels alone for the running interpreter; the recording was made with CPython 3.11 on Linux x86-64.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """Requirements to resolve; ``exclude_newer`` is a time (ISO, UTC), ``origin`` tells where a hard one comes from."""

    name: str
    requirements: tuple[str, ...]
    exclude_newer: str | None = None
    origin: str = ""
    hard: bool = False
    #: True if it is known that no choice of versions will do
    impossible: bool = False
    #: projects of which every version's metadata is recorded, as solvers walk through all of them
    deep: tuple[str, ...] = ()


_AWS = ("boto3", "botocore", "urllib3", "s3transfer", "aiobotocore", "s3fs", "fsspec", "awscli")

USUAL = (
    Workload(
        "trio",
        (
            "pytest>=5.0",
            "coverage>=7.2.5",
            "async_generator>=1.9",
            "pyopenssl>=22.0.0",
            "trustme",
            "pylint",
            "jedi; implementation_name == 'cpython'",
            "cryptography>=41.0.0",
            "black; implementation_name == 'cpython'",
            "mypy",
            "ruff>=0.4.3",
            "astor",
            "codespell",
            "types-cffi",
            "types-pyopenssl",
            "types-docutils",
            "attrs>=23.2.0",
            "sortedcontainers",
            "idna",
            "outcome",
            "sniffio",
        ),
    ),
    Workload("jupyter", ("jupyter",)),
    Workload(
        "web",
        ("flask", "django", "requests", "numpy", "pandas", "sqlalchemy", "fastapi", "uvicorn", "matplotlib", "celery"),
    ),
    Workload("boto3", ("urllib3<1.25.4", "boto3"), hard=True, deep=_AWS),
    Workload(
        "airflow",
        ("apache-airflow[celery,amazon,google,ssh,http,redis,postgres]>=2.11,<3.2",),
        hard=True,
        deep=_AWS,
    ),
)

FOUND = (
    Workload(
        "dandi",
        ("click>=7.0", "click-loglevel~=0.2", "dandi>=0.24.0", "psutil~=5.9", "pyyaml", "selenium"),
        "2023-10-01T00:00:00Z",
        "astral-sh/uv issue 1398: urllib3 2 is pinned early, boto3 and botocore walk back",
        hard=True,
        deep=_AWS,
    ),
    Workload(
        "docutils",
        (
            *(
                "scipy",
                "numpy",
                "pandas>=1",
                "openpyxl",
                "enum_tools>=0.7",
                "matplotlib",
                "plotly",
                "kaleido",
            ),
            *("pytest", "pytest-cov", "pytest-xdist", "pytest-github-actions-annotate-failures", "seaborn", "nbformat"),
            *("nbconvert", "sphinx", "sphinx-rtd-theme", "sphinx-toolbox", "myst-parser", "sphinxcontrib-bibtex"),
            *("nbsphinx", "ipython", "ipykernel", "jupyterlab", "pylint", "flake8<6.0", "flake8_nb", "wheel", "twine"),
        ),
        "2023-12-10T00:00:00Z",
        "pypa/pip issue 12430: many parents of docutils, ResolutionTooDeep (peewee left out: it had no wheels)",
        hard=True,
    ),
    Workload(
        "langchain",
        ("langchain", "gretel-client"),
        "2024-07-17T00:00:00Z",
        "pdm-project/pdm issue 3027: pydantic 1 against pydantic 2 deep below, 10,000 rounds",
        hard=True,
    ),
    Workload(
        "pandas-aws",
        ("pandas[aws]", "boto3"),
        "2023-10-11T00:00:00Z",
        "pandas-dev/pandas issue 55480: s3fs, aiobotocore and boto3 want different botocores",
        hard=True,
        deep=_AWS,
    ),
    Workload(
        "umap",
        ("numpy", "umap-learn"),
        "2025-03-08T00:00:00Z",
        "astral-sh/uv issue 12060: numpy's newest against numba and llvmlite",
        hard=True,
    ),
    Workload(
        "nlp",
        (
            *("bert_score", "blobfile", "nltk", "numpy<1.24.0", "packaging", "psutil", "PyYAML", "setuptools", "spacy"),
            *("torch", "torchmetrics", "tqdm", "transformers", "wandb", "datasets"),
        ),
        "2023-03-27T00:00:00Z",
        "jazzband/pip-tools issue 1829: three to five minutes",
        hard=True,
    ),
    Workload(
        "awscli",
        ("awscli", "pyyaml", "boto3>=1.20.17", "docker<7", "s3fs"),
        "2024-01-15T00:00:00Z",
        "python-poetry/poetry issues 1173 and 5896, with s3fs beside it: awscli pins botocore exactly",
        hard=True,
        deep=_AWS,
    ),
    Workload(
        "paddle",
        (
            *(
                "alembic~=1.15",
                "fastapi[standard]<1.0",
                "httpx",
                "numpy~=2.0",
                "onnxruntime~=1.22",
                "opencv-python~=4.11",
            ),
            *(
                "opencv-python-headless~=4.11",
                "paddleocr>=3.0.0",
                "paddlepaddle",
                "Pillow~=11.0",
                "pycryptodomex~=3.23",
            ),
            *("pydantic~=2.0", "scikit-image<1.0", "scipy~=1.15", "sqlalchemy~=2.0", "tqdm"),
        ),
        "2025-06-03T00:00:00Z",
        "pypa/pip issue 13281: too deep, although paddleocr alone excludes numpy 2",
        hard=True,
        impossible=True,
    ),
    Workload(
        "beam",
        ("dill==0.3.8", "apache-beam[gcp]"),
        "2024-04-18T00:00:00Z",
        "astral-sh/uv issue 3078: every apache-beam pins another dill",
        hard=True,
        impossible=True,
    ),
)

ALL = {workload.name: workload for workload in USUAL + FOUND}
