# The service's image. It needs BuildKit, which is Docker's default, and every base image of the family works:
#   docker build --tag es-counters .
#   docker build --tag es-counters --build-arg PYTHON_VERSION=3.11 .
# The other targets are for docker-compose.yml: `setup`, its first step, and `loadtest`.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS builder
# Or `traces`: the same and OpenTelemetry.
ARG REQUIREMENTS=service
RUN python -m venv --without-pip /opt/venv
# Wheels only: a package without one for this Python is an error here, not a reason to install a compiler.
# The cache is BuildKit's, and in no layer.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    --mount=type=bind,source=requirements,target=/tmp/requirements \
    pip --python /opt/venv/bin/python --cache-dir /var/cache/pip install \
        --require-hashes --no-deps --only-binary=:all: --requirement "/tmp/requirements/${REQUIREMENTS}.txt"
# The service itself, and its command es-counters. What builds them is locked as well, and stays here.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    --mount=type=bind,source=requirements/build.txt,target=/tmp/requirements.txt \
    pip --cache-dir /var/cache/pip install --root-user-action=ignore \
        --require-hashes --no-deps --only-binary=:all: --requirement /tmp/requirements.txt
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE gunicorn.conf.py ./
COPY service service
# hadolint ignore=DL3042
RUN python -m hatchling build --target wheel --directory /tmp/built \
    && pip --python /opt/venv/bin/python install --no-deps --no-index /tmp/built/*.whl

FROM python:${PYTHON_VERSION}-slim AS load-builder
RUN python -m venv --without-pip /opt/venv
# The cache is BuildKit's, and in no layer.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    --mount=type=bind,source=requirements/load.txt,target=/tmp/requirements.txt \
    pip --python /opt/venv/bin/python --cache-dir /var/cache/pip install \
        --require-hashes --no-deps --only-binary=:all: --requirement /tmp/requirements.txt

FROM python:${PYTHON_VERSION}-slim AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
# The user by number everywhere: Kubernetes' runAsNonRoot cannot check a name.
# Above 10000, so that it is nobody's on the host; docker/setup.sh gives files to it.
# Nor can it write anywhere, not even where everybody usually may: who needs a /tmp mounts a tmpfs there.
RUN chmod 755 /tmp /var/tmp /run/lock \
    && useradd --no-log-init --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin counters \
    && python -B -m pip uninstall --yes --quiet --root-user-action=ignore pip setuptools wheel
WORKDIR /app

FROM runtime AS setup
COPY docker/setup.sh docker/openssl.cnf ./
# Fails the build, rather than the first start, of a base image that does not bring it.
RUN openssl version
CMD ["sh", "setup.sh"]

FROM runtime AS loadtest
COPY --from=load-builder /opt/venv /opt/venv
COPY loadtests loadtests
# Only what runs is compiled, Python's own modules among it: slim images come without bytecode.
RUN python -m compileall -q loadtests && python -m loadtests --list \
    && install --directory --owner=10001 --group=10001 /report
USER 10001:10001
ENTRYPOINT ["python", "-m", "loadtests", "--output", "/report"]

FROM runtime AS service
COPY --from=builder /opt/venv /opt/venv
COPY docker/healthcheck.py gunicorn.conf.py ./
# The root file system is read-only later, so the bytecode has to be there before: of the service, and of what it
# imports from Python's own library, which slim images bring without. Loading all of it also proves the image.
RUN python -m compileall -q . && gunicorn --check-config && python -c 'import healthcheck' && es-counters --help
# Inside the container every address: who reaches it is decided where its port is published.
ENV BIND_ADDRESS=0.0.0.0 \
    PORT=8000 \
    HEALTHCHECK_PATH=/healthz
EXPOSE 8000
USER 10001:10001
STOPSIGNAL SIGTERM
# Liveness by default, because orchestrators that act on this check replace the container, and no new container
# brings a lost Elasticsearch back. Where the check only says whom to send requests, set HEALTHCHECK_PATH=/readyz.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-IS", "healthcheck.py"]
# Gunicorn is process 1 and gets the signals itself. What it is told stands in gunicorn.conf.py.
CMD ["gunicorn"]
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="es-counters" \
      org.opencontainers.image.description="Counters in Elasticsearch that many clients increment at once" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
