"""Near misses: what somebody may have meant by a project that no index knows."""

from __future__ import annotations

from collections.abc import Iterable

#: Import names that are not the name of the distribution, and what was probably meant.
CONFUSED = {
    "attr": "attrs", "bs4": "beautifulsoup4", "crypto": "pycryptodome", "cv2": "opencv-python",
    "dateutil": "python-dateutil", "docx": "python-docx", "dotenv": "python-dotenv", "fitz": "pymupdf", "git": "gitpython",
    "google-protobuf": "protobuf", "jose": "python-jose", "jwt": "pyjwt", "ldap": "python-ldap", "magic": "python-magic",
    "mysqldb": "mysqlclient", "openssl": "pyopenssl", "pil": "pillow", "psycopg2-bin": "psycopg2-binary",
    "serial": "pyserial", "skimage": "scikit-image", "sklearn": "scikit-learn", "slugify": "python-slugify",
    "usb": "pyusb", "win32api": "pywin32", "yaml": "pyyaml", "zmq": "pyzmq",
}  # fmt: skip

#: Projects that most people depend on, so that a slip of the finger is noticed with no list of the index at hand.
COMMON = (
    "aiohttp", "anyio", "attrs", "beautifulsoup4", "black", "boto3", "botocore", "celery", "certifi", "cffi",
    "charset-normalizer", "click", "coverage", "cryptography", "cython", "django", "djangorestframework",
    "docutils", "fastapi", "flask", "grpcio", "gunicorn", "httpx", "hypothesis", "idna", "ipython", "isort",
    "jinja2", "jsonschema", "jupyter", "jupyterlab", "keras", "lxml", "markdown", "markupsafe", "matplotlib",
    "mypy", "networkx", "nltk", "notebook", "numpy", "openpyxl", "packaging", "pandas", "paramiko", "pillow", "pip",
    "plotly", "poetry", "pre-commit", "protobuf", "psutil", "psycopg", "psycopg2-binary", "pyarrow", "pycparser",
    "pydantic", "pygments", "pyinstaller", "pylint", "pymongo", "pymysql", "pyparsing", "pyright", "pytest",
    "pytest-cov", "python-dateutil", "pytz", "pyyaml", "redis", "regex", "requests", "rich", "ruff", "scikit-learn",
    "scipy", "seaborn", "selenium", "sentry-sdk", "setuptools", "six", "sqlalchemy", "sphinx", "starlette", "sympy",
    "tensorflow", "tomli", "torch", "torchvision", "tornado", "tox", "tqdm", "transformers", "twine", "typer",
    "typing-extensions", "urllib3", "uvicorn", "virtualenv", "werkzeug", "wheel", "xgboost",
)  # fmt: skip


def near_misses(name: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Give at most three names that *name* may have meant, the likeliest first."""
    import difflib  # most errors are about no name

    found = [CONFUSED[name]] if name in CONFUSED else []
    others = sorted({*COMMON, *known} - {name})
    found += difflib.get_close_matches(name, others, n=3, cutoff=0.75)
    return tuple(dict.fromkeys(found))[:3]
