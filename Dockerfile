# The worker and the provisioning commands; the lab is not in it.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md cli.py ./
COPY agent agent
COPY bench bench
COPY lab lab
COPY provision provision
COPY telephony telephony
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 10001 dialroom
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /app
COPY dialroom.yaml ./
COPY prompts prompts
USER dialroom
ENTRYPOINT ["dialroom"]
CMD ["worker"]
