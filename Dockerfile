# The service alone. Neo4j is a separate program under its own licence (GPLv3) and a server of its
# own: docker-compose.yml brings one, IDENTITY_NEO4J_URI names any other.

# To pin what the tag stands for, pass NAME:TAG@sha256:…: docs/guides/deployment.md.
ARG PYTHON_IMAGE=python:3.13.14-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements/build.txt requirements/service.txt requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt
RUN python -m venv --without-pip /opt/venv
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements/service.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY explorer explorer
COPY cypher cypher
COPY identity_service identity_service
# Without isolation: the backend that was installed by hash builds the wheel, none is fetched.
RUN pip wheel --no-cache-dir --no-deps --no-index --no-build-isolation --wheel-dir /wheels .
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --create-home identity
COPY --from=build /opt/venv /opt/venv

USER 10001
ENV PATH=/opt/venv/bin:$PATH
ENV IDENTITY_HOST=0.0.0.0 \
    IDENTITY_PORT=8080
EXPOSE 8080
# Not /readyz: unhealthy containers are restarted, which cures no database and no full queue.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["identity-service"]
CMD ["serve"]
