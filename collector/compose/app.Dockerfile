# The example application, from the sources of this repository. The image of Node on Debian has git, which it works with.
FROM node:20.19.5-bookworm

WORKDIR /srv/taskspan
COPY . .
RUN npm ci --no-audit --no-fund && npm run build

# Runs its jobs again and again, so that there is something to look at.
WORKDIR /srv/taskspan/examples/git-tasks
CMD ["sh", "-c", "while node --import taskspan/register src/main.js; do sleep ${PAUSE_SECONDS:-15}; done"]
