# docker build -t skincredible .
# docker run -p 80:80 skincredible
#
# The model inside is weights/demo.safetensors, trained on rendered patients. Your own:
#   docker run -p 80:80 -v /my/model.safetensors:/srv/model.safetensors:ro skincredible
# What stands behind the image's name goes to skin-serve: --token-file, --tls-cert, --threads, ... (docs/deploy/README.md)
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make python3-venv python3-pip ca-certificates
WORKDIR /src
COPY . .
RUN make deps && make -j"$(nproc)" build/bin/skin-serve weights

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libopenblas0-openmp libgomp1 zlib1g libjansson4 libmicrohttpd12 libjpeg62-turbo libwebp7 libwebpdemux2 libheif1 libde265-0 liblcms2-2 libcurl4 libgnutls30 libnettle8 libexpat1 libseccomp2 curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin skin
COPY --from=build /src/build/bin/skin-serve /usr/local/bin/
COPY --from=build /src/weights/mtcnn.safetensors /srv/mtcnn.safetensors
COPY weights/demo.safetensors /srv/model.safetensors
COPY LICENSE /usr/share/doc/skincredible/LICENSE
USER 10001:10001
EXPOSE 80
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:80/v2/health/ready"]
STOPSIGNAL SIGTERM
# It can be reached from wherever the host publishes the port: give it --token-file and --tls-cert, or something in front that keeps strangers out.
ENTRYPOINT ["skin-serve", "/srv/model.safetensors", "--weights", "/srv/mtcnn.safetensors", "--listen", "0.0.0.0:80", "--allow-public"]
