# The firefly command in an image without a shell. An application's own binary is built alike, from
# its own package.
#
#	docker build -t firefly .
#	docker run --rm -e FIREFLY_STORE=postgres://user:password@host/db firefly stats

FROM golang:1.25 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /firefly ./cmd/firefly

FROM gcr.io/distroless/static-debian12
COPY --from=build /firefly /firefly
# nonroot, as a number: Kubernetes' runAsNonRoot does not know names.
USER 65532:65532
ENTRYPOINT ["/firefly"]
