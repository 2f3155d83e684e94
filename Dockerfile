# docker build -t skincredible . && docker run -p 80:80 -v /my/model.safetensors:/srv/model.safetensors:ro skincredible
# No model is built in: mount one that skin-train wrote, such as demo/run/model.safetensors.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make python3-venv python3-pip ca-certificates
WORKDIR /src
COPY . .
RUN make all && make weights

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libopenblas0-openmp libgomp1 zlib1g libjansson4 libexif12 libmicrohttpd12 curl \
        && rm -rf /var/lib/apt/lists/* && useradd --system --no-create-home --shell /usr/sbin/nologin skin
COPY --from=build /src/build/bin/skin-serve /usr/local/bin/
COPY --from=build /src/weights/mtcnn.safetensors /srv/
USER skin
EXPOSE 80
HEALTHCHECK --interval=10s --timeout=3s CMD curl -fsS http://127.0.0.1:80/v2/health/ready || exit 1
STOPSIGNAL SIGTERM
# Reachable from where the host publishes the port: put a proxy with TLS in front, or add --token-file and --tls-cert.
ENTRYPOINT ["skin-serve", "/srv/model.safetensors", "--weights", "/srv/mtcnn.safetensors", "--listen", "0.0.0.0:80", "--allow-public"]
