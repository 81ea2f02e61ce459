# drls in a container: dependencies cached in their own layer, no root, no permission that the
# server does not need. Build: docker build -t drls . Run: see README.md.

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /app
ENV DENO_DIR=/deno-dir
# The layer of packages changes only when the pins do.
COPY deno.json deno.lock ./
RUN deno install --frozen
COPY main.ts ./
COPY lib ./lib
COPY migrations ./migrations
COPY routes ./routes
COPY workers ./workers
RUN deno cache --frozen main.ts workers/*.worker.ts && deno check main.ts

FROM denoland/deno:debian-2.9.6
WORKDIR /app
ENV DENO_DIR=/deno-dir \
    DENO_NO_UPDATE_CHECK=1 \
    HOST=0.0.0.0 \
    PORT=3000 \
    DRLS_DATA_DIR=/data
COPY --from=build --chown=root:root /deno-dir /deno-dir
COPY --from=build --chown=root:root /app /app
# The image's own user "deno" owns nothing but the data folder.
RUN mkdir /data && chown deno:deno /data && chmod -R a+rX /deno-dir /app
USER deno
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
  CMD ["deno", "eval", "--no-config", "const r = await fetch(`http://127.0.0.1:${Deno.env.get('PORT')}/api/health`); Deno.exit(r.ok ? 0 : 1)"]
# Permissions as in the "start" task. --cached-only: a container never downloads code.
ENTRYPOINT ["deno", "run", "--cached-only", "--frozen", \
  "--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-ffi", \
  "main.ts"]
