# Lading alone: PostgreSQL and Redis are other containers, or servers that DATABASE_URL and REDIS_URL name.

FROM python:3.13-slim-trixie AS environment
COPY requirements/core.txt /build/core.txt
RUN python -m venv /lading/.venv \
    && /lading/.venv/bin/pip install --no-cache-dir --no-compile --no-deps --require-hashes --requirement /build/core.txt \
    && /lading/.venv/bin/python -m pip uninstall --yes pip

# The query editor's packages as npm serves them; the server checks each file's hash before it shows it.
FROM node:22-slim AS page
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /page
COPY package.json ./
RUN node --print 'Object.entries(require("./package.json").dependencies).map((pin) => pin.join("@")).join("\n")' \
    | xargs npm pack --silent

FROM python:3.13-slim-trixie
# What `lading backup` and `lading restore` run; Debian keeps one version of it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/lading --create-home lading
COPY --from=environment /lading/.venv /lading/.venv
COPY --from=page --chown=lading /page/*.tgz /var/lib/lading/page/
COPY package.json pyproject.toml /lading/
COPY app /lading/app
COPY migrations /lading/migrations
COPY resolvers /lading/resolvers
COPY schema /lading/schema
RUN /lading/.venv/bin/python -m compileall -q /lading/app /lading/resolvers /lading/schema /lading/.venv/lib
ENV PATH=/lading/.venv/bin:$PATH \
    PYTHONPATH=/lading \
    PYTHONUNBUFFERED=1 \
    LADING_MODE=production \
    LADING_HOME=/var/lib/lading \
    LADING_HOST=0.0.0.0
WORKDIR /var/lib/lading
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-P", "-m", "app"]
CMD ["serve"]
