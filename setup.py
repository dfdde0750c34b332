"""
The package's metadata. The tools' settings are in ``pyproject.toml``.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="gitaly-tx",
    version="0.1.0",
    description="A Git storage server on Twisted: Gitaly's gRPC API, git over SSH and smart HTTP.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[*find_packages(include=["gitaly_tx", "gitaly_tx.*", "protocols", "protocols.*"]), "twisted.plugins"],
    # Not redundant: without it an editable install loses the twistd plugin outside of the checkout.
    package_dir={"": "."},
    package_data={
        "gitaly_tx": ["py.typed", "linguist/data/*"],
        "protocols": ["proto/*.proto", "proto/*/*.proto", "gitaly/*.pyi", "gitaly/*/*.pyi"],
    },
    include_package_data=True,
    zip_safe=False,
    entry_points={"console_scripts": ["gitaly-tx = gitaly_tx.cli.gitaly:script"]},
    install_requires=[
        "Twisted[tls,conch] >= 26.4, < 27",
        "attrs >= 25.1",
        "bcrypt >= 4.2",
        "cryptography >= 44",
        "dulwich >= 1.2, < 1.3",
        # Wheels are there for this kind of machine only; without it CommitLanguages and CheckBlobsGenerated are not done.
        'enry-python >= 0.2, < 0.4; sys_platform == "linux" and platform_machine == "x86_64"',
        # RewriteHistory runs it, as a program of its own.
        "git-filter-repo >= 2.45, < 3",
        "google-crc32c >= 1.7, < 2",
        "google-re2 >= 1.1",
        "grpcio >= 1.80, < 2",
        "grpcio-health-checking >= 1.80, < 2",
        "grpcio-reflection >= 1.80, < 2",
        "prometheus-client >= 0.22, < 1",
        "protobuf >= 7.35.1, < 8",
        # Loaded only if a key of OpenPGP's is configured.
        "pysequoia >= 0.1.30, < 0.2",
        "rapidfuzz >= 3.10, < 4",
        "tzdata",
        # The loop takes asyncio's own where there is none.
        'uvloop >= 0.21; sys_platform == "linux" and platform_machine in "x86_64 aarch64"',
        "zope.interface >= 7.2",
    ],
    extras_require={
        "test": [
            "build >= 1.2",
            "coverage >= 7.10",
            "grpcio-tools >= 1.80, < 2",
            "hypothesis >= 6.130",
            "import-linter >= 2.3",
            "mypy >= 2.1",
            "mypy-zope >= 1.0.14",
            "ruff >= 0.15",
            "setuptools >= 77",
            "types-protobuf",
            "wheel",
        ],
    },
    classifiers=[
        "Framework :: Twisted",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Software Development :: Version Control :: Git",
    ],
)
