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

# docker build --target machines -t skincredible-machines .   The tools and Open MPI, for jobs on many machines (docs/machines.md): as a worker of
# Kubernetes' MPI operator, which runs sshd in it as an ordinary user, or by hand: docker run skincredible-machines mpirun -n 2 skin-faces ...
FROM build AS build-all
RUN make -j"$(nproc)" build

FROM debian:bookworm-slim AS machines
RUN apt-get update \
    && apt-get install -y --no-install-recommends libopenblas0-openmp libgomp1 zlib1g libjansson4 libcsv3 libexttextcat-2.0-0 libexttextcat-data libhdf5-103-1 libmicrohttpd12 libjpeg62-turbo libwebp7 libwebpdemux2 libheif1 libde265-0 libaom3 liblcms2-2 libcurl4 libgnutls30 libexpat1 libseccomp2 openmpi-bin openssh-client openssh-server \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --shell /bin/bash skin \
    && mkdir -p /run/sshd /home/skin/.ssh \
    && printf 'Host *\n    Port 2222\n    StrictHostKeyChecking no\n    UserKnownHostsFile /dev/null\n    LogLevel ERROR\n' >/etc/ssh/ssh_config.d/machines.conf \
    && printf 'Port 2222\nPidFile /home/skin/sshd.pid\nHostKey /home/skin/.ssh/id_rsa\nStrictModes no\nPasswordAuthentication no\nUsePAM no\n' >/home/skin/.sshd_config \
    && chown -R skin: /home/skin
COPY --from=build-all /src/build/bin/ /usr/local/bin/
COPY --from=build-all /src/build/lib/skincredible/ /usr/local/lib/skincredible/
COPY --from=build-all /src/weights/mtcnn.safetensors /srv/mtcnn.safetensors
COPY LICENSE /usr/share/doc/skincredible/LICENSE
ENV SKIN_WEIGHTS=/srv/mtcnn.safetensors
USER 10001:10001
WORKDIR /home/skin

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libopenblas0-openmp libgomp1 zlib1g libjansson4 libmicrohttpd12 libjpeg62-turbo libwebp7 libwebpdemux2 libheif1 libde265-0 libaom3 liblcms2-2 libcurl4 libgnutls30 libnettle8 libexpat1 libseccomp2 curl \
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
