module github.com/sprymq/spry/contrib/otel

go 1.26.0
