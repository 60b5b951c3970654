# The sidecar's image: node, the bundle, and the four programs that it or its operators call; no npm, no
# compiler. netbase has the protocol names by which nft reads its rules.
# Build: docker build -t egress .
# Other base (Debian, for glibc and apt): --build-arg NODE_TAG=24-bookworm-slim
ARG NODE_TAG=26-bookworm-slim

FROM node:${NODE_TAG} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY build.ts tsconfig.json ./
COPY packaging/builtins.ts packaging/contents.ts packaging/plain-exports.ts packaging/
COPY src src
COPY rules rules
RUN npm run build

FROM node:${NODE_TAG}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nftables iproute2 bind9-dnsutils curl netbase \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
      /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
COPY --from=build /src/dist /opt/egress
COPY rules /var/egress/rules
COPY image/first-process.sh /opt/egress/
RUN ln -s /opt/egress/egress.mjs /usr/local/bin/egress
# It starts here, with the compiled code that came along: 78 is for settings that stop it before it touches
# any network.
RUN egress --version && { OPENSANDBOX_EGRESS_MODE=nft egress serve --strict; test $? -eq 78; } \
 && { OPENSANDBOX_EGRESS_MODE=nft /opt/egress/first-process.sh egress serve --strict; test $? -eq 78; }
EXPOSE 18080
# Over the socket, which is there also when the API's address is set otherwise.
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --retries=3 \
  CMD curl -fsS --max-time 2 --unix-socket "${OPENSANDBOX_EGRESS_SOCKET:-/run/opensandbox/egress.sock}" http://localhost/healthz
# Starts the sidecar again after a crash, within the container: with process 1 all others end, and the AF_XDP
# queues that they keep are free.
ENTRYPOINT ["/opt/egress/first-process.sh", "/usr/local/bin/egress", "serve"]
