# ruff: noqa: E501  lines are as long as those of the files
"""Requirements files of public projects, as their lines have it: names, versions, operators, markers, options.

Each is modelled on the file of the repository that its key names: shortened, without comments' words, with hosts and
digests replaced (``*.example``; digests are those of small numbers). What is odd in a file is what it is here for.
A case is its files by path, the first one being read; a path that ends with a slash is the folder of a project.
"""

from __future__ import annotations

import hashlib
import re

Case = dict[str, str]


def _hashes(text: str) -> str:
    """Put digests in: ``%1`` becomes a sha256 in hex."""
    return re.sub(r"%(\d+)", lambda match: hashlib.sha256(match[1].encode()).hexdigest(), text)


_COMPILED = """\
#
# made by a tool
#
cffi==1.17.0 ; platform_python_implementation != "PyPy" \\
    --hash=sha256:%1 \\
    --hash=sha256:%2 \\
    --hash=sha256:%3
    # via -r build-requirements.in
maturin==1.7.0 \\
    --hash=sha256:%4 \\
    --hash=sha256:%5
    # via -r build-requirements.in
pycparser==2.22 \\
    --hash=sha256:%6
    # via cffi

# The rest is unsafe
setuptools==72.1.0 \\
    --hash=sha256:%7 \\
    --hash=sha256:%8
    # via -r build-requirements.in
"""

_TEXTS: dict[str, Case] = {
    "pyca/cryptography .github/requirements/build-requirements.txt": {"r.txt": _COMPILED},
    "pyca/cryptography, with the line ends of Windows": {"r.txt": _COMPILED.replace("\n", "\r\n")},
    "zulip/zulip requirements/pip.txt": {
        "r.txt": "wheel==0.37.0 \\\n    --hash=sha256:%1 \\\n    --hash=sha256:%2\n    # via -r requirements/pip.in\n\n"
        "# unsafe:\npip==20.3.4 \\\n    --hash=sha256:%3 \\\n    --hash=sha256:%4\n    # via -r requirements/pip.in\n"
    },
    "mozilla/addons-server requirements/pip.txt": {
        "r.txt": "## first of all\n## pip\npip==26.1.2 \\\n    --hash=sha256:%1 \\\n    --hash=sha256:%2\n"
    },
    "mozilla/treeherder requirements/common.txt": {
        "r.txt": "--no-binary pymysql\n"
        "amqp==5.3.1 --hash=sha256:%1 --hash=sha256:%2  # via kombu\n"
        "celery==5.4.0 \\\n --hash=sha256:%3 \\\n\t--hash=sha256:%4\n"
        "click-plugins==1.1.1.2 --hash=sha512:%5%6\n"
    },
    "odoo/odoo requirements.txt": {
        "r.txt": """\
Babel==2.9.1 ; python_version < '3.11'  # min version = 2.6.0 (one; two)
Babel==2.10.3 ; python_version >= '3.11' and python_version < '3.13'
gevent==23.9.1 ; sys_platform != 'win32' and python_version > '3.10' and python_version < '3.12'  # (a: b)
lxml==5.2.1; python_version >= '3.12' # (c - d)
lxml-html-clean; python_version >= '3.12' # (e)
num2words==0.5.13 ; python_version >= '3.12'\x20
passlib==1.7.4 # min version = 1.7.2
PyPDF==5.4.0 ; python_version >= '3.13' # (f)
pypiwin32 ; sys_platform == 'win32'
pytz  # no version
requests==2.25.1 ;  python_version < '3.11' # versions < 2.25 aren't w/ urllib3 1.26. Bullseye = 2.25.1.
rl-renderPM==4.0.3 ; sys_platform == 'win32' and python_version >= '3.12'  # g
urllib3==2.6.3  ; python_version >= '3.12'  # h
vobject==0.9.6.1
"""
    },
    "django/django tests/requirements/py3.txt": {
        "r.txt": """\
aiosmtpd
asgiref >= 3.7.0
geoip2; python_version < '3.13'
numpy; sys.platform != 'win32' or python_version < '3.13'
Pillow >= 6.2.1; sys.platform != 'win32' or python_version < '3.13'
# on Windows
pylibmc; sys.platform != 'win32'
colorama >= 0.4.6; sys.platform == 'win32'
"""
    },
    "openstack/requirements upper-constraints.txt": {
        "r.txt": "-c upper-constraints.txt\noslo.config\nXStatic-Angular-Bootstrap\n",
        "upper-constraints.txt": """\
ntlm-auth===1.4.0
enum-compat===0.0.3;python_version=='2.7'
XStatic-Angular-Bootstrap===2.2.0.0
sphinxcontrib-actdiag===2.0.0;python_version=='3.6'
oslo.config===6.12.0
backports.ssl-match-hostname===3.7.0.1;python_version=='2.7'
trollius===2.2.post1;python_version=='2.7'
dogtag-pki===10.7.4.1
mypy===0.761;python_version=='3.7'
systemd-python===234
""",
    },
    "celery/celery requirements/dev.txt": {
        "r.txt": "pytz>dev\ngit+https://git.example/celery/py-amqp.git\n"
        "git+https://git.example/celery/kombu.git\nvine>=5.0.0"
    },
    "celery/celery requirements/dev.txt, without the version of old": {
        "r.txt": "git+https://git.example/celery/py-amqp.git\ngit+https://git.example/celery/kombu.git\nvine>=5.0.0"
    },
    "celery/celery requirements/test-ci-default.txt": {
        "requirements/r.txt": "-r extras/auth.txt\n-r extras/solar.txt\n-r extras/redis.txt\n\n#: the broker\npytest-celery[all]>=1.2.0,<1.3.0",
        "requirements/extras/auth.txt": "cryptography==44.0.2\n",
        "requirements/extras/solar.txt": 'ephem==4.2; platform_python_implementation!="PyPy"\n',
        "requirements/extras/redis.txt": "redis>=4.5.2,<=5.2.1,!=4.5.5,!=5.0.2\n",
    },
    "vllm-project/vllm requirements/tpu.txt": {
        "r.txt": """\
# Common
-r common.txt

numba==0.60.0; python_version == '3.9' # v0.61 doesn't; 3.9
numba==0.61.2; python_version > '3.9'
ray[default]
ray[data]
setuptools==78.1.0
tpu_info==0.4.0

--pre
--extra-index-url https://wheels.example/whl/nightly/cpu
--find-links https://wheels.example/libtpu-wheels/index.html
--find-links https://wheels.example/jax-releases/jax_nightly_releases.html
torch==2.9.0.dev20250730
torch_xla[tpu, pallas] @ https://wheels.example/tpuvm/torch_xla-2.9.0.dev20250730-cp311-cp311-linux_x86_64.whl ; python_version == "3.11"
torch_xla[tpu, pallas] @ https://wheels.example/tpuvm/torch_xla-2.9.0.dev20250730-cp312-cp312-linux_x86_64.whl ; python_version == "3.12"

""",
        "common.txt": "regex # for tokens\ncachetools\nopencv-python-headless >= 4.11.0 # for video\n"
        'outlines_core == 0.2.10 ; platform_machine != "s390x"\nmistral_common[image,audio] >= 1.8.2\n'
        "six>=1.16.0; python_version > '3.11' # transitive\nlm-format-enforcer >= 0.10.11, < 0.11\n",
    },
    "vllm-project/vllm requirements/cpu.txt": {
        "r.txt": """\
numba == 0.61.2; python_version > '3.9'
torch==2.6.0+cpu; platform_machine == "x86_64"
torch==2.6.0; platform_machine == "ppc64le" or platform_machine == "aarch64"
torch==2.7.0.dev20250304; platform_machine == "s390x"
torchaudio; platform_machine != "ppc64le" and platform_machine != "s390x"
datasets # for scripts
"""
    },
    "vllm-project/vllm requirements/nightly_torch_test.txt": {
        "r.txt": "ray[cgraph,default]>=2.48.0 # one, two\ntransformers_stream_generator # three\n"
        "mistral_common[image,audio] >= 1.11.0 # four\nmteb[bm25s]>=2, <3 # five\n"
        "runai-model-streamer[s3,gcs,azure]==0.15.7\npydantic>=2.12 # 2.11 leads to\n"
    },
    "boto/boto3 requirements.txt": {
        "r.txt": "-e git://git.example/boto/botocore.git@develop#egg=botocore\n"
        "-e git://git.example/boto/jmespath.git@develop#egg=jmespath\nnose==1.3.3\nwheel==0.24.0\n"
    },
    "boto/boto3 requirements.txt, later": {
        "r.txt": "-e git+https://git.example/boto/botocore.git@develop#egg=botocore\n"
        "-e git+https://git.example/boto/s3transfer.git@develop#egg=s3transfer\nnose==1.3.3\nmock==1.3.0\n"
    },
    "python/cpython Doc/requirements.txt": {
        "Doc/r.txt": "# which\n#\nsphinx==4.5.0\n\nblurb\n\nsphinxext-opengraph>=0.7.1\n\npython-docs-theme>=2023.3.1,!=2023.7\n\n-c constraints.txt\n",
        "Doc/constraints.txt": '# direct\nsphinx-lint<1\ncolorama<0.5\nimagesize<1.5\nimportlib-metadata>=4.4,<5 ; python_version<"3.8"\n',
    },
    "ansible/awx requirements/requirements_git.txt": {
        "r.txt": "git+https://git.example/ansible/system-certifi.git@devel#egg=certifi\n# Remove\n"
        "git+https://git.example/ansible/ansible-runner.git@devel#egg=ansible-runner\n"
        "git+https://git.example/ansible/python3-saml.git@devel#egg=python3-saml\n"
    },
    "ansible/awx requirements/requirements_git.txt, later": {
        "r.txt": "git+https://git.example/ansible/system-certifi.git@devel#egg=certifi\n"
        "django-ansible-base @ git+https://git.example/a/django-ansible-base@django_permissions#egg=django-ansible-base[rest_filters,jwt_consumer,rbac]\n"
    },
    "openedx/edx-platform requirements/edx/github.in": {
        "r.txt": "# git+https://git.example/OWNER/NAME.git@TAG#egg=DIST==VERSION\n"
        "-e git+https://git.example/edx/django-wiki.git@1.0.2#egg=django-wiki\n"
        "-e git+https://git.example/openedx/olxcleaner.git@2f0d6c7f126cbd69c9724b7b57a0b2565330a297#egg=olxcleaner\n"
    },
    "openedx/edx-platform requirements/edx/github.in, with versions in fragments": {
        "r.txt": "git+https://git.example/edx/MongoDBProxy.git@d92bafe9888d2940f647a7b2b2383b29c752f35a#egg=MongoDBProxy==0.1.0+edx.2\n"
    },
    "openedx/edx-platform requirements/edx/github.in, without a name": {
        "r.txt": "-e git+https://git.example/edx/edx-enterprise.git@f5d6588993b8022e23bfbc0dcdc0654a5b3c9f2d#edx-enterprise==3.30\n"
    },
    "Azure/azure-sdk-for-python eng/test_tools.txt": {
        "r.txt": """\
pip==20.3

# https://files.example/repackaged/cffi-1.14.6-cp310-cp310-win_amd64.whl; sys_platform=='win32'
cffi==1.15.0rc2
pytest==4.6.9; python_version == '2.7'
pytest==5.4.2; python_version >= '3.5' and python_version <= '3.9'
wrapt<=1.12.1; python_version == '2.7'
readme-renderer[md]==25.0
ConfigArgParse==1.2.3

# last
python-dotenv==0.15.0"""
    },
    "Azure/azure-sdk-for-python sdk/storage/azure-storage-blob/dev_requirements.txt": {
        "sdk/storage/blob/r.txt": "-e ../../../tools/azure-sdk-tools\n-e ../../identity/azure-identity\n"
        "aiohttp>=3.0; python_version >= '3.5'\n",
        "tools/azure-sdk-tools/": "",
        "sdk/identity/azure-identity/": "",
    },
    "home-assistant/core requirements.txt": {
        "r.txt": "# Automatically\n\n-c homeassistant/package_constraints.txt\n\naiohttp_cors==0.8.1\nastral==2.2\n"
        "certifi>=2021.5.30\nJinja2==3.1.6\ntyping-extensions>=4.15.0,<5.0\n",
        "homeassistant/package_constraints.txt": "# made\n\nacme==5.1.0\naiohttp_cors==0.8.1\n\n# Constrain\npycryptodome>=3.6.6\n"
        "httplib2>=0.19.0\n# avoid\nh11==0.16.0\nbacoordinator<0\nmultidict>=6.4.2\npydantic==2.12.2\nenum34==1000000000.0.0\n"
        "typing==1000000000.0.0\npandas==2.3.0; platform_machine != 'armv7l'\n",
    },
    "apache/superset requirements/development.txt": {
        "r.txt": "# made\n#    by this command -c x -o y\n-e .\n    # via -r requirements/development.in\n-e ./superset-core\n"
        "    # via\n    #   apache-superset\nalembic==1.15.2\n    # via\n    #   -c requirements/base-constraint.txt\n"
        "outcome==1.3.0.post0\n    # via\n    #   -c requirements/base-constraint.txt\n    #   trio\n",
        "./": "",
        "superset-core/": "",
    },
    "oobabooga/text-generation-webui requirements.txt": {
        "r.txt": """\
accelerate==0.21.*
numpy==1.24
bitsandbytes==0.41.1; platform_system != "Windows"
https://wheels.example/wheels/bitsandbytes-0.41.1-py3-none-win_amd64.whl; platform_system == "Windows"
https://wheels.example/v0.4.2/auto_gptq-0.4.2+cu117-cp310-cp310-linux_x86_64.whl; platform_system == "Linux" and platform_machine == "x86_64"

# without
llama-cpp-python==0.1.78; platform_system != "Windows"
https://wheels.example/download/textgen-webui/llama_cpp_python_cuda-0.1.78+cu117-cp310-cp310-win_amd64.whl; platform_system == "Windows"
https://wheels.example/AVX2/ctransformers-0.2.23+cu117-py3-none-any.whl
"""
    },
    "open-mmlab/mmdetection requirements.txt": {
        "r.txt": "-r requirements/build.txt\n-r requirements/optional.txt\n-r requirements/runtime.txt\n",
        "requirements/build.txt": "# first\ncython\nnumpy\n",
        "requirements/optional.txt": "cityscapesscripts\nfairscale\nemoji\n-r multimodal.txt\n",
        "requirements/multimodal.txt": "nltk\ntransformers\n",
        "requirements/runtime.txt": "matplotlib\nnumpy\npycocotools\nscipy\nsix\nterminaltables",
    },
    "numpy/numpy requirements/test_requirements.txt": {
        "r.txt": 'Cython\nhypothesis==6.151.9\nninja; sys_platform != "emscripten"\n# for\nnumpy_quaddtype ; python_version<"3.15" and sys_platform=="darwin"\n'
    },
    "pytorch/pytorch .ci/docker/requirements-ci.txt": {
        "r.txt": """\
#awscli==1.6 #breaks
#Pinned versions: 1.6

coremltools==5.0b5 ; python_version < "3.12"
librosa>=0.6.2 ; python_version < "3.11" and platform_machine != "s390x"
#mkl #breaks
numpy==1.26.2; python_version == "3.11" or python_version == "3.12"
opt-einsum==3.3
unittest-xml-reporting<=3.2.0,>=2.0.0
z3-solver==4.15.1.0 ; platform_machine != "s390x"
dataclasses_json==0.6.7
cuda-bindings>=12.0,<13.0 ; platform_machine != "s390x" and platform_system != "Darwin"
"""
    },
    "buildbot/buildbot requirements-ci.txt": {
        "r.txt": "alabaster==0.7.10\nbackports.functools-lru-cache==1.4\ntoml==0.9.3.1\nzope.interface==4.4.3\n"
        "-e master\n-e worker\n-e pkg\n# from\nbuildbot-www==0.9.13\n",
        "master/": "",
        "worker/": "",
        "pkg/": "",
    },
    "explosion/spaCy requirements.txt": {
        "r.txt": '# Ours\ncymem>=2.0.2,<2.1.0\nthinc==7.4.0\npathlib==1.0.1; python_version < "3.4"\ncython>=0.25\nflake8>=3.5.0,<3.6.0\n'
    },
    "zulip/zulip requirements/common.in": {
        "r.txt": 'Django[argon2]==4.1.*\nimportlib-metadata ; python_version < "3.10"  # for Markdown\nSQLAlchemy==1.4.*\n'
        "social-auth-core[azuread,openidconnect,saml]\ndjango-two-factor-auth[call,phonenumberslite,sms]\n"
        "https://git.example/zulip/python-zulip-api/archive/0.8.2.zip#egg=zulip&subdirectory=zulip\n"
    },
    "zulip/zulip requirements/common.in, with versions in fragments": {
        "r.txt": "requests[security]\n"
        "https://git.example/zulip/talon/archive/137ea31ca506069f9a8bbddde0d0174f395a6893.zip#egg=talon-core==1.6.0.zulip1&subdirectory=talon-core\n"
    },
    "psf/requests requirements-dev.txt": {
        "r.txt": "-e .[socks]\npytest>=2.8.0,<9\nhttpbin~=0.10.0\ntrustme\n",
        "./": "",
    },
    "mitmproxy/mitmproxy requirements.txt": {
        "r.txt": "-e git+https://git.example/mitmproxy/netlib.git#egg=netlib\n"
        "-e git+https://git.example/mitmproxy/pathod.git#egg=pathod\n-e .[dev,examples,contentviews]\n",
        "./": "",
    },
    "ray-project/ray python/requirements/ml/dl-cpu-requirements.txt": {
        "r.txt": """\
tensorflow==2.20.0; sys_platform != 'darwin' or platform_machine != 'arm64'
tensorflow-datasets; python_version < '3.12'
array-record==0.5.1; python_version < '3.12' and sys_platform != 'darwin' and platform_system != 'Windows'
# and `x.sh`!

--extra-index-url https://wheels.example/whl/cpu  # for one, two
--find-links https://wheels.example/whl/torch-2.9.0+cpu.html  # for three, four

torch==2.9.0
nvidia-nccl-cu12==2.27.5; platform_system == 'Linux' and platform_machine != 'aarch64'
"""
    },
    "pypa/pip docs/requirements.txt": {
        "r.txt": "sphinx ~= 6.0\ntowncrier\nmyst_parser\nsphinxcontrib-towncrier >= 0.2.0a0\n\n# `x` uses\n.\n",
        "./": "",
    },
    "readthedocs/readthedocs.org requirements/docs.in": {
        "r.txt": "# a, b\n\nSphinx==4.5.0\nsphinx_rtd_theme==1.0.0\nsphinx-multiproject==1.0.0rc1\n\n# c\n"
        "git+https://git.example/readthedocs/sphinx-hoverxref\n\nsphinx-autobuild==2021.3.14\n# (d) isn't >= 5.5.\npyyaml==5.4.1\n"
    },
    "saltstack/salt requirements/base.txt": {
        "r.txt": "--constraint=constraints.txt\n\nJinja2>=3.1.5\nrequests<2.32.0 ; python_version < '3.10'\n"
        "certifi==2023.07.22; python_version < '3.10'\n\n\npsutil<6.0.0; python_version <= '3.9'\n"
        "croniter>=0.3.0,!=0.3.22; sys_platform != 'win32'\nimmutables==0.15 ; sys_platform == 'linux'\njaraco.text>=4.0.0\n",
        "constraints.txt": "cherrypy>=18.6.1 ; python_version >= '3.10'\nsetuptools >= 65.6.3,< 69.0\n",
    },
    "PaddlePaddle/Paddle python/requirements.txt": {
        "r.txt": 'numpy>=1.13\nprotobuf~=3.20.2 ; platform_system != "Windows"\n'
        'protobuf>=3.1.0, <=3.20.2 ; platform_system == "Windows"\npaddle_bfloat==0.1.7\nopt_einsum==3.3.0\n'
    },
    "frappe/frappe requirements.txt": {
        "r.txt": "bleach-whitelist==0.0.10\ngitdb2==2.0.6;python_version<'3.4'\nhtml2text==2016.9.19\nmaxminddb-geolite2==2018.703\nrq>=1.1.0\n"
    },
    "matplotlib/matplotlib requirements/testing/all.txt": {
        "r.txt": "# all\n\ncertifi\ncoverage!=6.3\npytest!=4.6.0,!=5.4.0\ntornado\n"
    },
    "pygraphviz/pygraphviz, as a pinned requirement": {
        "r.txt": "pygraphviz==1.12 \\\n    --config-settings=--global-option=build_ext \\\n"
        '    --config-settings=--global-option="-I/opt/graphviz/include" \\\n'
        '    --config-settings=--global-option="-L/opt/graphviz/lib"\nnetworkx>=3\n'
    },
    "uploadcare/pillow-simd, with options that pip has given up": {
        "r.txt": 'pillow-simd==9.0.0.post3 --global-option="build_ext" --global-option="--enable-zlib"\n'
    },
    "cython/cython, with an install option of old": {"r.txt": 'Cython --install-option="--no-cython-compile"\n'},
    "PyTorch for two systems": {
        "r.txt": "--extra-index-url https://wheels.example/whl/${VERSION}\n# first\n"
        'torch==2.7.1; sys_platform == "darwin"\ntorch==2.7.1+cu${VERSION}; sys_platform != "darwin"\n'
    },
    "PyTorch, with a marker behind an option": {
        "r.txt": '# Linux\n--index-url https://wheels.example/whl/cu118 ; sys_platform == "linux"\ntorch; sys_platform == "linux"\n\n'
        '# Windows\n--index-url https://wheels.example/whl/cu118 ; sys_platform == "win32"\ntorch==2.3.1; sys_platform == "win32"\n'
    },
    "a freeze of conda's environment": {
        "r.txt": "asttokens @ file:///home/conda/feedstock_root/build_artifacts/asttokens_1698341106958/work\nattrs==23.1.0\n"
        "jsonschema @ file:///tmp/build/80754af9/jsonschema_1602607155483/work\nMarkupSafe==2.1.5\n"
    },
    "a freeze on Windows": {
        "r.txt": "torch @ file:///D:/whl/torch-1.12.0%2Bcu113-cp39-cp39-win_amd64.whl#sha256=%1\n"
        "packaging @ file:///C:/miniconda3/envs/x/conda-bld/packaging_1693575178038/work\r\npywin32==306\r\n"
    },
    "a relative wheel of Windows": {"r.txt": "numpy==1.26\n.\\wheels\\pyaudio-0.2.11-cp39-cp39-win_amd64.whl\n"},
    "MycroftAI/mycroft-core requirements/extra-audiobackend.txt": {"r.txt": "python-vlc~=1.1.2\n# ovos ocp + ovos vlc"},
    "openpyxl and other checkouts of Mercurial and Subversion": {
        "r.txt": "-e hg+https://hg.example/openpyxl/openpyxl@2.4#egg=openpyxl\n"
        "-e hg+https://hg.example/ecollins/cloud_sptheme#egg=cloud_sptheme\n"
        "-e svn+http://svn.example/preprocess/svn/trunk@3139#egg=preprocess    # COMMENT\n"
        "-e bzr+https://bzr.example/x/trunk@2019#egg=foo04\n"
        "-e git+ssh://git@git.example/MyProject/#egg=foo02\n"
    },
    "ByteInternet/pip-install-privates, with a token": {
        "r.txt": "git+https://${USER_NAME}:${TOKEN}@git.example/m/mono-libs.git@main#egg=lib1&subdirectory=lib1\n"
        "git+https://${NOT_SET}@git.example/m/other.git@0.2#egg=other\n"
    },
    "a mirror of an office": {
        "r.txt": "-i http://mirror.example/simple/ --trusted-host mirror.example\n"
        "--extra-index-url http://other.example:8080/simple\n--trusted-host other.example:8080\n\nDjango==3.2.25\nmysqlclient\n"
    },
    "a file with a byte order mark": {"r.txt": "\ufeffFlask==0.12.2\r\ngunicorn==19.7.1\r\n\r\n"},
    "kenlm and no wheels": {"r.txt": "# Options \n--no-binary :all:\n#\n# Packages\nkenlm"},
    "an old Django site": {
        "r.txt": "-f http://files.example/packages/\nhttp://files.example/PIL-1.1.6.tar.gz\nhttps://hg.example/dbenamy/devcron/get/tip.tar.gz\n"
        "PyYAML   ==   3.12\n\tlxml>=3,<4\nbackports-abc ==0.4 ; python_version<'3.5' and (os_name=='nt' or sys_platform=='darwin')\n"
    },
}

REAL_WORLD: dict[str, Case] = {
    name: {path: _hashes(text) for path, text in files.items()} for name, files in _TEXTS.items()
}
