# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
# The image contains no Redis server: it is a separate service (see docker-compose.yml). tini forwards SIGTERM to the worker.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
RUN ln -s /app/bin/sluice.js /usr/local/bin/sluice && mkdir -p /data/.sluice && chown -R node /data
USER node
WORKDIR /data
ENTRYPOINT ["tini", "--", "sluice"]
CMD ["worker"]
