# The server: /score, /generate, /feedback, /signals. From the top of the repository:
#
#   docker build -f deploy/serving.Dockerfile -t tip-serving .
#   docker run --read-only --tmpfs /tmp -v tip:/var/lib/tip -p 8000:8000 -e TIP_SERVICE_TOKENS=... tip-serving
#
# The volume holds write-ahead files and, without TIP_LAKE, the lake; nothing else is written. A server that only ranks
# starts in a second and needs 120 MB: add `--routes score --host 0.0.0.0`.

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY deploy/install-serving deploy/install-serving
COPY tip_serving tip_serving
COPY tip_experiments tip_experiments
COPY tip_assets tip_assets
RUN deploy/install-serving /opt/tip

FROM python:3.11-slim-bookworm
# LightGBM's C library runs on OpenMP.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /var/lib/tip --create-home --shell /usr/sbin/nologin tip
COPY --from=build /opt/tip /opt/tip
ENV PATH=/opt/tip/bin:$PATH TIP_HOME=/var/lib/tip PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
USER 10001
WORKDIR /var/lib/tip
VOLUME /var/lib/tip
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD \
    ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["python", "-m", "tip_serving"]
CMD ["--host", "0.0.0.0", "--port", "8000"]
