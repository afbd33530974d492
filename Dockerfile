# Images of the system. A service: docker build --build-arg SERVICE=order .
# The command line, which also brings databases, topics and keys into being: --target cli
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN useradd --system --uid 10001 --no-create-home oms && install -d -o oms /var/lib/oms
WORKDIR /oms
# Sources are bound, not copied: only what is installed stays in a layer. What all images share
# comes first and is stored once.
RUN --mount=type=bind,source=requirements.lock,target=/src/requirements.lock \
    python -m pip install --require-hashes -r /src/requirements.lock
RUN --mount=type=bind,source=contracts,target=/src/contracts \
    --mount=type=bind,source=chassis,target=/src/chassis \
    python -m pip install --no-deps --no-build-isolation /src/contracts /src/chassis
COPY deploy/policies.toml deploy/topics.toml deploy/
COPY deploy/local/policies.toml deploy/local/
ENV OMS_DATA_DIR=/var/lib/oms

FROM base AS cli
RUN --mount=type=bind,source=deploy/local,target=/src/deploy/local \
    --mount=type=bind,source=services,target=/src/services \
    --mount=type=bind,source=cli,target=/src/cli \
    python -m pip install --no-deps --no-build-isolation /src/deploy/local /src/services/* /src/cli
USER oms
ENTRYPOINT ["oms"]

FROM base AS service
ARG SERVICE
RUN --mount=type=bind,source=services/${SERVICE},target=/src/service \
    python -m pip install --no-deps --no-build-isolation /src/service
USER oms
ENV OMS_SERVICE_PACKAGE=oms_${SERVICE} OMS_HTTP_HOST=0.0.0.0 OMS_HTTP_PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --retries=4 --start-period=60s --start-interval=2s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/ready', timeout=3)"]
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"$OMS_SERVICE_PACKAGE\" \"$@\"", "oms"]
CMD ["run"]
