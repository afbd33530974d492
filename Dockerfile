# One image per service: docker build --build-arg SERVICE=order .
# SERVICE may also be `cli`, whose image brings databases, topics and keys into being.
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE}

WORKDIR /oms
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY contracts contracts
COPY chassis chassis
COPY deploy deploy
COPY services services
COPY cli cli

ARG SERVICE
ENV OMS_SERVICE_PACKAGE=oms_${SERVICE}
# Each service gets itself and what all share; only the command line sees everybody.
RUN set -e; \
    packages="./contracts ./chassis"; \
    case "$SERVICE" in \
      cli) packages="$packages ./deploy/local ./cli"; for s in services/*; do packages="$packages ./$s"; done ;; \
      *) packages="$packages ./services/$SERVICE" ;; \
    esac; \
    python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation $packages; \
    useradd --system --uid 10001 oms; mkdir -p /var/lib/oms && chown oms /var/lib/oms
USER oms
ENV OMS_HTTP_HOST=0.0.0.0 OMS_HTTP_PORT=8080 OMS_DATA_DIR=/var/lib/oms
EXPOSE 8080
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"$OMS_SERVICE_PACKAGE\" \"$@\"", "oms"]
CMD ["run"]
