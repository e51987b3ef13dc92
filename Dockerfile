# Two stages: the wheel is built in the first, the second holds only what runs.
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir -c constraints.txt build hatchling && python -m build --wheel --outdir /dist .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 fhir
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /dist/*.whl /tmp/
RUN pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /tmp/*.whl)[worker]" && rm -rf /tmp/*
USER fhir
WORKDIR /home/fhir
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["fhir-server"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
