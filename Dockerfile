# docker build -t skincredible . && docker run -p 80:80 skincredible
# The model: weights/model.safetensors beside this file (MODEL), or mount one: -v /my/model.safetensors:/srv/model.safetensors:ro
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc make pkg-config libc6-dev libopenblas-openmp-dev zlib1g-dev libstb-dev libjansson-dev libcsv-dev libexif-dev \
        libmicrohttpd-dev libcurl4-openssl-dev libexttextcat-dev libhdf5-dev python3-venv ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make build && make weights
ARG MODEL=weights/demo.safetensors
RUN cp "$MODEL" /model.safetensors

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libopenblas0-openmp libgomp1 zlib1g libjansson4 libexif12 libmicrohttpd12 libcurl4 libcsv3 libexttextcat-2.0-0 curl \
        && rm -rf /var/lib/apt/lists/* && useradd --system --no-create-home --shell /usr/sbin/nologin skin
COPY --from=build /src/build/bin/skin-serve /usr/local/bin/
COPY --from=build /src/weights/mtcnn.safetensors /model.safetensors /srv/
USER skin
EXPOSE 80
HEALTHCHECK --interval=10s --timeout=3s CMD curl -fsS http://127.0.0.1:80/v2/health/ready || exit 1
STOPSIGNAL SIGTERM
# Reachable from where the host publishes the port: put a proxy with TLS in front, or add --token-file and --tls-cert.
ENTRYPOINT ["skin-serve", "/srv/model.safetensors", "--weights", "/srv/mtcnn.safetensors", "--listen", "0.0.0.0:80", "--allow-public"]
