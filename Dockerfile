# The worker: `docker build -t dialroom .`, or `docker compose build`. Versions and hashes are those of the lock files.

ARG PYTHON=python:3.11.14-slim-trixie

# The project's own wheel, built by the locked build system. The lab and the benchmarks stay outside.
FROM ${PYTHON} AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements-dev.lock ./
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } wanted' \
      requirements-dev.lock > build.lock \
 && pip install --require-hashes --no-deps --only-binary :all: -r build.lock
COPY pyproject.toml README.md LICENSE cli.py ./
COPY telephony telephony
COPY provision provision
COPY agent agent
COPY stream stream
COPY supervise supervise
COPY commands commands
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# Everything that it needs at run time, every download checked against its hash.
FROM ${PYTHON} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
WORKDIR /src
COPY requirements.lock ./
RUN /venv/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements.lock
COPY --from=wheel /wheels /wheels
RUN /venv/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /venv/bin/pip uninstall --yes pip

FROM ${PYTHON}
RUN groupadd --system --gid 10001 dialroom \
 && useradd --system --uid 10001 --gid dialroom --no-create-home --home-dir /tmp --shell /usr/sbin/nologin dialroom \
 && install --directory --owner dialroom --group dialroom /var/cache/dialroom /var/lib/dialroom
COPY --from=packages /venv /venv
COPY deploy/health.py /usr/local/lib/dialroom/health.py
WORKDIR /app
COPY dialroom.yaml ./
COPY prompts prompts
ENV PATH=/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DIALROOM_CACHE=/var/cache/dialroom \
    DIALROOM_STATE=/var/lib/dialroom/provision.db
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-I", "/usr/local/lib/dialroom/health.py"]
ENTRYPOINT ["dialroom"]
CMD ["worker"]
