# The service alone. Neo4j is a separate program under its own licence (GPLv3) and a server of its
# own: docker-compose.yml brings one, IDENTITY_NEO4J_URI names any other.

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY explorer explorer
COPY cypher cypher
COPY identity_service identity_service
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home identity
COPY requirements/service.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --no-deps --require-hashes -r /tmp/requirements.txt
COPY --from=build /wheels /tmp/wheels
RUN pip install --no-cache-dir --no-deps /tmp/wheels/*.whl && rm -r /tmp/wheels /tmp/requirements.txt

USER 10001
ENV IDENTITY_HOST=0.0.0.0 \
    IDENTITY_PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["identity-service"]
CMD ["serve"]
