# Go: scripts/up --runtimes go.
golang-go
