"""Requirements that are in no recording, so that nothing can have been tuned to them: ``python -m benchmarks unrecorded``.

They are resolved through a served index that asks the live one for what its database lacks; a date keeps them as they were
reported. Sets of issue trackers, as written there or cut to what has wheels. Which of them have a resolution from wheels
alone is for the peers to find out.
"""

from __future__ import annotations

from benchmarks.workloads import Workload


def _set(name: str, requirements: str, date: str, origin: str) -> Workload:
    texts = tuple(text.strip() for text in requirements.split("|"))
    return Workload(name, texts, f"{date}T00:00:00Z", origin, hard=True)


UNRECORDED = {
    workload.name: workload
    for workload in (
        _set(
            "rpa",
            "pywebview[qt]==3.6.2 | rpaframework==15.6.0",
            "2023-02-01",
            "pypa/pip issue 11480: four hours and 2,000,000 rounds",
        ),
        _set("xinference", "xinference", "2025-11-05", "astral-sh/uv issue 16601: transformers of 2021"),
        _set(
            "librosa",
            "librosa | numpy>=1.26.4 | numba",
            "2026-01-21",
            "astral-sh/uv issue 17649, with librosa: numpy's newest against numba",
        ),
        _set(
            "poetry-dev",
            "numpy>=1,<2 | pytest>=5.2,<6 | black>=21.9b0,<22 | isort>=5.9.3,<6"
            " | ipython>=7.28.0,<8 | pylint>=2.11.1,<3",
            "2022-12-21",
            "python-poetry/poetry issue 4924",
        ),
        _set(
            "autobahn",
            "attrs==19.3.0 | autobahn==20.12.3 | hyperlink==19.0.0 | cryptography>=3.2 | idna==2.10 | txaio==20.4.1",
            "2023-04-25",
            "pypa/pip issue 9841: too deep, where hyperlink alone is to blame",
        ),
        _set(
            "localstack",
            "dill>=0.3.2 | dnslib>=0.9.10 | dnspython>=1.16.0 | plux>=1.10.0"
            " | python-jose[cryptography]>=3.1.0 | requests>=2.20.0 | moto-ext[all]>=5.1.3 | amazon.ion>=0.9.3"
            " | avro>=1.11.0 | aws-encryption-sdk>=3.1.0 | kubernetes>=21.7.0 | opensearch-py>=2.4.1",
            "2025-04-29",
            "jazzband/pip-tools issue 2177: too deep with a large extra",
        ),
        _set(
            "scanpy",
            "scanpy[leiden] | anndata | spatialdata | dask-image | zarr<3",
            "2025-08-09",
            "scverse/squidpy issue 1021: too deep (squidpy itself needs a project without wheels)",
        ),
        _set(
            "stubs",
            "boto3>=1.28.58 | boto3-stubs[s3] | aioboto3 | types-aiobotocore[s3]",
            "2024-08-12",
            "astral-sh/uv issue 6038, with aioboto3 beside it",
        ),
        _set("perflint", "pylint>=2.16.dev0 | perflint>=0.7.3", "2023-03-12", "pypa/pip issue 11575"),
        _set(
            "kfp",
            "kfp>=2,<3 | google-cloud-aiplatform==1.25.0 | google-cloud-bigquery",
            "2024-02-16",
            "python-poetry/poetry issues 8475 and 8979: never ends (with kfp 2, as 1 has no wheels)",
        ),
        _set(
            "airflow-provider",
            "apache-airflow>=2.10,<3 | apache-airflow-providers-google | apache-airflow-providers-microsoft-azure"
            " | apache-airflow-providers-snowflake",
            "2025-05-15",
            "astral-sh/uv issues 1560 and 3078, a part of the extra all",
        ),
        _set(
            "dagster",
            "aiobotocore[boto3] | awswrangler~=3.7.3 | boto3 | boto3-stubs[essential] | dagster | dagster-aws | dagster-dbt"
            " | databricks-sdk[notebook]>=0.29.0"
            " | dbt-core~=1.9.0 | dbt-snowflake~=1.9.0 | fsspec[s3,tqdm] | flask~=2.2.2 | grpcio-health-checking",
            "2025-05-01",
            "pypa/pip issue 13281, the middle of a list of 200",
        ),
        _set(
            "botocore",
            "boto3 | botocore<1.30 | urllib3>2 | aiobotocore",
            "2025-06-01",
            "hundreds of versions of boto3 and aiobotocore are passed over",
        ),
        _set("copick", "copick[all]", "2025-06-20", "pypa/pip issue 13281: s3fs, dask and aiobotocore"),
        _set(
            "tf-keras",
            "tensorflow==2.15.* | keras>=3 | transformers[torch]>=4.30 | tf-keras",
            "2024-06-01",
            "tensorflow 2.15 needs keras below 2.16",
        ),
        _set(
            "sagemaker",
            "sagemaker | s3fs | pandas<2 | protobuf<4 | streamlit",
            "2024-09-01",
            "made up: three families that each bound others from above",
        ),
    )
}
